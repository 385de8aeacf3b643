//! Records that the parts of a command on every core send home. They are not replies, so each begins with a byte that
//! no error begins with; a part that was refused is recognised by its dash.
//! Sits between the `run` of a command (one a core) and its merge (at home).

use crate::spec::Call;

/// First byte of every record.
const TAG: u8 = b'=';

/// Ends a part with `bytes` for the merge.
pub fn send(call: &mut Call, bytes: &[u8]) {
    call.out.raw(&[TAG]);
    call.out.raw(bytes);
}

/// The records of all parts, in core order. If a part was refused its error becomes the reply and `None` comes back.
pub fn receive<'p>(call: &mut Call, parts: &[&'p [u8]]) -> Option<Vec<&'p [u8]>> {
    let records: Option<Vec<&[u8]>> = parts.iter().map(|p| p.strip_prefix(&[TAG])).collect();
    if records.is_none()
        && let Some(refused) = parts.iter().find(|p| p.first() != Some(&TAG))
    {
        call.out.raw(refused);
    }
    records
}

/// Numbers as a record.
pub fn send_numbers(call: &mut Call, numbers: &[u64]) {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    send(call, &bytes);
}

/// The next number of a record.
pub fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

/// The next text of a record.
pub fn text<'p>(bytes: &mut &'p [u8]) -> Option<&'p [u8]> {
    let size = usize::try_from(number(bytes)?).ok()?;
    let (head, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(head)
}

/// Appends a number to a record.
pub fn put_number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// Appends a text to a record.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// The merge of commands that answer OK when every core has done its part. Unlike `Merge::AllOk` it publishes no policy in
/// COMMAND's tips, as Redis publishes none for them.
pub fn all_ok(call: &mut Call, parts: &[&[u8]]) -> crate::spec::Outcome {
    if receive(call, parts).is_some() {
        call.out.ok();
    }
    Ok(())
}
