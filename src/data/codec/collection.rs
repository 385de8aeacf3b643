//! Collections in the serialised form. Layer 1.

use crate::data::collection::Object;

/// Appends a collection: type byte and value, no footer. `compress`: the option `rdbcompression`.
pub fn dump_object(out: &mut Vec<u8>, object: &Object, compress: bool) {
    let _ = (out, object, compress);
}
