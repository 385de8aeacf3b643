//! Positions on the earth as scores of a sorted set, distances between them, and the ranges of scores that an area covers.
//!
//! Layer 1. A position is a pair (longitude, latitude) in degrees. Its score has 52 bits: each coordinate is cut into 2^26
//! equal parts and the two numbers are interleaved, latitude in the even bits. The first 2n bits of a score name a *cell* of
//! the grid with 2^n by 2^n cells, so that a cell is one range of scores and an area is covered by nine of them.
//!
//! Invariants: every result equals that of Redis to the last bit (the order of floating point operations is part of that,
//! so formulas are not to be rearranged); no number, not even NaN or infinity, makes a function here panic.
//! Ref: redis.io/commands/geoadd, redis.io/commands/geosearch, en.wikipedia.org/wiki/Geohash, en.wikipedia.org/wiki/Haversine_formula

/// Longitude and latitude in degrees.
pub type Position = (f64, f64);

/// Greatest longitude, degrees.
pub const LONGITUDE_MAX: f64 = 180.0;
/// Greatest latitude, degrees: where the square map of the world (EPSG:3857) ends.
pub const LATITUDE_MAX: f64 = 85.05112878;

/// Radius of the earth, metres.
const EARTH_RADIUS: f64 = 6372797.560856;
/// Half of the map's width, metres.
const MAP_HALF: f64 = 20037726.37;
const RADIANS_A_DEGREE: f64 = std::f64::consts::PI / 180.0;

/// Bits of each coordinate in a score.
const STEP_MAX: u32 = 26;

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_A_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_A_DEGREE
}

/// Whether a position can have a score.
#[must_use]
pub fn is_valid((longitude, latitude): Position) -> bool {
    (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&longitude) && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&latitude)
}

/// The score of a valid position.
#[must_use]
pub fn score(position: Position) -> u64 {
    Cell::around(position, STEP_MAX, LATITUDE_MAX).bits
}

/// The centre of the smallest cell that a score names. Scores that no position has give some position.
#[must_use]
pub fn position(score: f64) -> Position {
    let area = Cell { bits: bits_of(score), step: STEP_MAX }.area();
    let longitude = (area.west + area.east) / 2.0;
    let latitude = (area.south + area.north) / 2.0;
    (longitude.clamp(-LONGITUDE_MAX, LONGITUDE_MAX), latitude.clamp(-LATITUDE_MAX, LATITUDE_MAX))
}

/// A score as bits: negative ones keep their sign bit, what is far too large becomes 0, as the hardware has it.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1u64 << 63) as f64;
    if score < HALF {
        score as i64 as u64
    } else {
        let rest = score - HALF;
        if rest < HALF { rest as u64 ^ 1 << 63 } else { 0 }
    }
}

/// Distance of two positions along the surface, metres.
#[must_use]
pub fn distance((longitude_a, latitude_a): Position, (longitude_b, latitude_b): Position) -> f64 {
    let v = ((radians(longitude_b) - radians(longitude_a)) / 2.0).sin();
    if v == 0.0 {
        return distance_of_latitudes(latitude_a, latitude_b);
    }
    let (a, b) = (radians(latitude_a), radians(latitude_b));
    let u = ((b - a) / 2.0).sin();
    let half_chord = u * u + a.cos() * b.cos() * v * v;
    2.0 * EARTH_RADIUS * half_chord.sqrt().asin()
}

fn distance_of_latitudes(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (radians(b) - radians(a)).abs()
}

/// The public geohash of a position: 11 characters, of which the last says nothing and is always `0`.
#[must_use]
pub fn geohash(position: Position) -> [u8; 11] {
    const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    // Public geohashes cut the whole range of latitudes, not only that of the map.
    let bits = Cell::around(position, STEP_MAX, 90.0).bits;
    let mut text = [b'0'; 11];
    for (n, digit) in text.iter_mut().take(10).enumerate() {
        *digit = DIGITS[(bits >> (52 - (n + 1) * 5)) as usize & 31];
    }
    text
}

/// Spreads the bits of a number over the even bits of one twice as long.
fn spread(number: u32) -> u64 {
    let mut x = u64::from(number);
    x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
    x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    x = (x | x << 2) & 0x3333_3333_3333_3333;
    (x | x << 1) & 0x5555_5555_5555_5555
}

/// Collects the even bits of a number.
fn collect(bits: u64) -> u32 {
    let mut x = bits & 0x5555_5555_5555_5555;
    x = (x | x >> 1) & 0x3333_3333_3333_3333;
    x = (x | x >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    x = (x | x >> 4) & 0x00ff_00ff_00ff_00ff;
    x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) as u32
}

/// A rectangle on the map, degrees.
#[derive(Clone, Copy, Debug)]
struct Area {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

/// A cell of the grid with 2^step by 2^step cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cell {
    bits: u64,
    step: u32,
}

impl Cell {
    /// The cell around a position, on a map that reaches from `-latitude_max` to `latitude_max`.
    fn around((longitude, latitude): Position, step: u32, latitude_max: f64) -> Cell {
        let parts = (1u64 << step) as f64;
        let part = |value: f64, max: f64| ((value - -max) / (max - -max) * parts) as u32;
        Cell { bits: spread(part(latitude, latitude_max)) | spread(part(longitude, LONGITUDE_MAX)) << 1, step }
    }

    /// The cell that lies `east` and `north` cells away (-1 to 1 each); over the edge of the map is the other side.
    fn neighbour(self, east: i32, north: i32) -> Cell {
        let mask = (1u32 << self.step) - 1;
        let moved = |n: u32, by: i32| if by == 0 { n } else { n.wrapping_add_signed(by) & mask };
        let (latitude, longitude) = (moved(collect(self.bits), north), moved(collect(self.bits >> 1), east));
        Cell { bits: spread(latitude) | spread(longitude) << 1, step: self.step }
    }

    fn area(self) -> Area {
        let parts = (1u64 << self.step) as f64;
        let edge = |n: u64, max: f64| -max + (n as f64 / parts) * (max - -max);
        let (latitude, longitude) = (u64::from(collect(self.bits)), u64::from(collect(self.bits >> 1)));
        Area {
            west: edge(longitude, LONGITUDE_MAX),
            east: edge(longitude + 1, LONGITUDE_MAX),
            south: edge(latitude, LATITUDE_MAX),
            north: edge(latitude + 1, LATITUDE_MAX),
        }
    }

    /// The scores inside: from the first up to, not including, the second.
    fn scores(self) -> (u64, u64) {
        let shift = 52 - 2 * self.step;
        (self.bits << shift, (self.bits + 1) << shift)
    }
}

/// The form of an area, in some unit of length.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Form {
    /// A circle with this radius.
    Circle(f64),
    /// A rectangle with this width and height.
    Box(f64, f64),
}

/// An area to search.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Search {
    /// Its middle.
    pub centre: Position,
    /// What lies around it, in `unit`s.
    pub form: Form,
    /// Metres of the unit in which the form is told.
    pub unit: f64,
}

impl Search {
    /// The distance of a position from the centre in metres, if it lies inside.
    #[must_use]
    pub fn admits(&self, position: Position) -> Option<f64> {
        match self.form {
            Form::Circle(radius) => {
                let distance = distance(self.centre, position);
                (distance <= radius * self.unit).then_some(distance)
            }
            Form::Box(width, height) => {
                if distance_of_latitudes(position.1, self.centre.1) > height * self.unit / 2.0 {
                    return None;
                }
                // Width is measured along the parallel of the position, not of the centre.
                if distance(position, (self.centre.0, position.1)) > width * self.unit / 2.0 {
                    return None;
                }
                Some(distance(self.centre, position))
            }
        }
    }

    /// Ranges of scores (first inclusive, second exclusive) that contain everything inside: those of the cell in the middle and
    /// of the cells around it that are needed, in the order centre, N, S, E, W, NE, NW, SE, SW. No score is in two of them.
    #[must_use]
    pub fn ranges(&self) -> Vec<(u64, u64)> {
        let bounds = self.bounds();
        let mut step = self.step();
        let mut middle = Cell::around(self.centre, step, LATITUDE_MAX);
        // Near an edge of the middle cell the neighbours may reach less far than the area does.
        let is_short = middle.neighbour(0, 1).area().north < bounds.north
            || middle.neighbour(0, -1).area().south > bounds.south
            || middle.neighbour(1, 0).area().east < bounds.east
            || middle.neighbour(-1, 0).area().west > bounds.west;
        if step > 1 && is_short {
            step -= 1;
            middle = Cell::around(self.centre, step, LATITUDE_MAX);
        }
        let area = middle.area();
        // With very large cells a neighbour is needed for what lies over the edge of the map.
        let needs = |east: i32, north: i32| {
            step < 2
                || !(north < 0 && area.south < bounds.south
                    || north > 0 && area.north > bounds.north
                    || east < 0 && area.west < bounds.west
                    || east > 0 && area.east > bounds.east)
        };
        const AROUND: [(i32, i32); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let mut last = None;
        let mut ranges = Vec::with_capacity(9);
        for (east, north) in AROUND {
            if !needs(east, north) {
                continue;
            }
            let cell = middle.neighbour(east, north);
            // In a grid of two by two cells both neighbours on one axis are the same cell.
            if last != Some(cell) {
                ranges.push(cell.scores());
            }
            last = Some(cell);
        }
        ranges
    }

    /// The rectangle around the area.
    fn bounds(&self) -> Area {
        let (longitude, latitude) = self.centre;
        let (half_width, half_height) = match self.form {
            Form::Circle(radius) => (self.unit * radius, self.unit * radius),
            Form::Box(width, height) => (self.unit * (width / 2.0), self.unit * (height / 2.0)),
        };
        let up = degrees(half_height / EARTH_RADIUS);
        // Meridians are closest at the side that faces the pole.
        let side = if latitude < 0.0 { latitude - up } else { latitude + up };
        let aside = degrees(half_width / EARTH_RADIUS / radians(side).cos());
        Area { west: longitude - aside, east: longitude + aside, south: latitude - up, north: latitude + up }
    }

    /// Bits a coordinate of cells so large that nine of them cover the area, by the radius of the circle around it.
    fn step(&self) -> u32 {
        let radius = match self.form {
            Form::Circle(radius) => radius,
            Form::Box(width, height) => ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt(),
        };
        let mut radius = radius * self.unit;
        if radius <= 0.0 {
            return STEP_MAX;
        }
        let mut step = 1;
        while radius < MAP_HALF {
            radius *= 2.0;
            step += 1;
        }
        step -= 2;
        // Towards the poles a degree of longitude is shorter than the map shows.
        let latitude = self.centre.1.abs();
        step -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        step.clamp(1, STEP_MAX as i32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = (13.361389, 38.115556);
    const CATANIA: Position = (15.087269, 37.502669);

    #[test]
    fn known_places_have_known_scores_texts_and_distances() {
        assert_eq!(score(PALERMO), 3479099956230698);
        assert_eq!(score(CATANIA), 3479447370796909);
        let (a, b) = (position(3479099956230698.0), position(3479447370796909.0));
        assert_eq!(format!("{:.17} {:.17}", a.0, a.1), "13.36138933897018433 38.11555639549629859");
        assert_eq!((&geohash(a), &geohash(b)), (b"sqc8b49rny0", b"sqdtr74hyu0"));
        assert_eq!(format!("{:.4}", distance(a, b)), "166274.1516");
    }

    #[test]
    fn a_score_names_a_cell_that_contains_its_position() {
        let mut rng = crate::base::rng::Rng::new(5);
        let mut any = |max: f64| (rng.below(1 << 40) as f64 / (1u64 << 39) as f64 - 1.0) * max;
        for _ in 0..10_000 {
            let place = (any(LONGITUDE_MAX), any(LATITUDE_MAX));
            let cell = Cell { bits: score(place), step: STEP_MAX };
            let area = cell.area();
            assert!(area.west <= place.0 && place.0 <= area.east && area.south <= place.1 && place.1 <= area.north);
            assert_eq!(score(position(cell.bits as f64)), cell.bits);
            assert_eq!(cell.neighbour(1, -1).neighbour(-1, 1), cell);
        }
    }

    #[test]
    fn ranges_contain_everything_that_is_inside_and_nothing_twice() {
        let mut rng = crate::base::rng::Rng::new(7);
        let mut any = |max: f64| (rng.below(1 << 40) as f64 / (1u64 << 39) as f64 - 1.0) * max;
        for n in 0..400 {
            let centre = (any(150.0), any(70.0));
            let size = 1000.0 * 1.02f64.powi(n);
            let form = if n % 2 == 0 { Form::Circle(size) } else { Form::Box(size, size / 3.0) };
            let search = Search { centre, form, unit: 1.0 };
            let ranges = search.ranges();
            assert!(!ranges.is_empty() && ranges.len() <= 9);
            for _ in 0..50 {
                let spread = (size / 50_000.0).min(20.0);
                let place =
                    position(score(((centre.0 + any(spread)).clamp(-180.0, 180.0), (centre.1 + any(spread)).clamp(-85.0, 85.0))) as f64);
                let bits = score(place);
                let hits = ranges.iter().filter(|(from, to)| (*from..*to).contains(&bits)).count();
                assert!(hits <= 1 && (hits == 1 || search.admits(place).is_none()), "{search:?} {place:?}");
            }
        }
    }

    #[test]
    fn odd_numbers_break_nothing() {
        for number in [0.0, -1.0, -1e300, 1e300, 9.3e18, 2e19, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 4503599627370496.5] {
            let place = position(number);
            assert!(is_valid(place), "{number}");
            for form in [Form::Circle(number), Form::Box(number, 1.0), Form::Box(0.0, number)] {
                let search = Search { centre: place, form, unit: 1609.34 };
                assert!(search.ranges().len() <= 9);
                assert!(search.admits((0.0, 0.0)).is_none_or(|far| far >= 0.0));
            }
        }
        assert!(!is_valid((f64::NAN, 0.0)) && !is_valid((180.1, 0.0)) && !is_valid((0.0, 85.06)) && is_valid((-180.0, -LATITUDE_MAX)));
        // Negative scores keep their bits, those over 2^64 have none.
        assert_eq!((bits_of(-1.0), bits_of(1e19), bits_of(1e30)), (u64::MAX, 10_000_000_000_000_000_000, 0));
    }
}
