//! Packs: random edits agree with a vector, and any bytes are refused or are a pack that can be walked both ways.

use ringfort::data::pack::{self, Pack};

/// One input of the fuzzer: read as a listpack, and as edits.
pub fn run(data: &[u8]) {
    if let Some(read) = pack::from_listpack(data) {
        check(&read, None);
    }
    // The same with a length and an end that are right, so that what lies between is looked at.
    let mut framed = (data.len() as u32 + 5).to_le_bytes().to_vec();
    framed.extend_from_slice(data);
    framed.push(0xFF);
    if let Some(read) = pack::from_listpack(&framed) {
        check(&read, None);
    }
    let _ = Pack::new(data).iter().rev().count() + Pack::new(data).iter().count();
    edits(data);
}

/// Forwards, backwards, by index and by the count it is the same, and so is its listpack.
fn check(bytes: &[u8], model: Option<&[Vec<u8>]>) {
    let view = Pack::new(bytes);
    let texts: Vec<Vec<u8>> = view.iter().map(|item| item.to_vec()).collect();
    assert_eq!(texts.len(), view.len());
    assert!(view.iter().rev().map(|item| item.to_vec()).eq(texts.iter().rev().cloned()));
    if let Some(model) = model {
        assert_eq!(texts, model);
    }
    if let Some(last) = texts.last() {
        assert_eq!(view.get(-1).map(|i| i.to_vec()).as_ref(), Some(last));
    }
    let mut listpack = Vec::new();
    view.write_listpack(&mut listpack);
    assert_eq!(pack::from_listpack(&listpack).as_deref(), Some(if bytes.is_empty() { &[0, 0] } else { bytes }));
}

/// Each edit takes a few bytes: what, where, how many bytes of text, the text.
fn edits(data: &[u8]) {
    let (mut own, mut model) = (pack::empty(), Vec::<Vec<u8>>::new());
    let mut bytes = data.iter().copied();
    while let (Some(what), Some(place), Some(size)) = (bytes.next(), bytes.next(), bytes.next()) {
        let index = usize::from(place) % (model.len() + 1);
        let offset = Pack::new(&own).seek(index as i64).unwrap_or(own.len());
        let text: Vec<u8> = match what >> 6 {
            0 => (i64::from(size) << (place % 57)).wrapping_sub(i64::from(place)).to_string().into_bytes(),
            1 => vec![b'x'; usize::from(size) * usize::from(place)],
            _ => bytes.by_ref().take(usize::from(size) % 9).collect(),
        };
        match what & 3 {
            0 => {
                pack::insert(&mut own, offset, &text);
                model.insert(index, text);
            }
            1 if index < model.len() => {
                pack::replace(&mut own, offset, &text);
                model[index] = text;
            }
            2 => {
                let count = usize::from(size % 4).min(model.len() - index);
                pack::remove(&mut own, offset, count);
                model.drain(index..index + count);
            }
            _ => {
                assert_eq!(Pack::new(&own).find(&text, 1).map(|(_, i)| i), model.iter().position(|m| *m == text));
                pack::push(&mut own, &text);
                model.push(text);
            }
        }
        check(&own, Some(&model));
    }
}
