//! Frames on the socket: one byte of kind, four bytes of length (little-endian), and the payload.
//!
//! A payload is a list of fields, each with four bytes of length before it. `python/channel.py` is
//! the other end.

/// What the server never exceeds; a longer frame comes from something else.
pub(crate) const LONGEST_FRAME: usize = 1 << 20;

/// Which of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// `sys.stdout`.
    Stdout,
    /// `sys.stderr`.
    Stderr,
}

/// A frame from the target, its fields not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) fields: Vec<Vec<u8>>,
}

/// What a frame can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// More than the server ever sends at once.
    #[error("a message of {0} bytes, which is more than the server sends")]
    TooLong(usize),
    /// Lengths that do not fit into their frame.
    #[error("a message of kind {0:#04x} whose fields do not fit into it")]
    Fields(u8),
    /// A message that makes no sense at this point.
    #[error("an unexpected message of kind {0:#04x}")]
    Unexpected(u8),
}

impl Frame {
    /// The field at an index; empty when there is none.
    pub(crate) fn field(&self, index: usize) -> &[u8] {
        self.fields.get(index).map_or(&[], Vec::as_slice)
    }

    /// The same as text.
    pub(crate) fn text(&self, index: usize) -> String {
        String::from_utf8_lossy(self.field(index)).into_owned()
    }

    /// The same as a number.
    pub(crate) fn number(&self, index: usize) -> Option<u64> {
        std::str::from_utf8(self.field(index)).ok()?.parse().ok()
    }
}

/// A frame as bytes.
pub(crate) fn encode(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let size: usize = fields.iter().map(|field| 4 + field.len()).sum();
    let mut bytes = Vec::with_capacity(5 + size);
    bytes.push(kind);
    push_length(&mut bytes, size);
    for field in fields {
        push_length(&mut bytes, field.len());
        bytes.extend_from_slice(field);
    }
    bytes
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    // Programs are bounded far below 4 GiB before they come here.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
}

/// Takes the first frame out of what was received; nothing when it is not complete yet.
pub(crate) fn decode(received: &mut Vec<u8>) -> Result<Option<Frame>, ProtocolError> {
    let Some((&kind, rest)) = received.split_first() else {
        return Ok(None);
    };
    let Some(size) = length_at(rest) else {
        return Ok(None);
    };
    if size > LONGEST_FRAME {
        return Err(ProtocolError::TooLong(size));
    }
    let Some(body) = rest.get(4..4 + size) else {
        return Ok(None);
    };
    let fields = fields(body).ok_or(ProtocolError::Fields(kind))?;
    received.drain(..5 + size);
    Ok(Some(Frame { kind, fields }))
}

/// Throws away what was received before the frame of this kind whose first field is this one;
/// whether it has come. Frames may lack their beginning before it.
pub(crate) fn skip_to(received: &mut Vec<u8>, kind: u8, first: &str) -> bool {
    let mut field = Vec::with_capacity(4 + first.len());
    push_length(&mut field, first.len());
    field.extend_from_slice(first.as_bytes());
    let whole = 5 + field.len();
    let begins = |at: &[u8]| at[0] == kind && at[5..] == field;
    match received.windows(whole).position(begins) {
        Some(at) => {
            received.drain(..at);
            true
        }
        None => {
            // Part of it may be there.
            let rest = received.len().saturating_sub(whole - 1);
            received.drain(..rest);
            false
        }
    }
}

fn fields(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut fields = Vec::new();
    while !body.is_empty() {
        let size = length_at(body)?;
        let (field, rest) = body.get(4..)?.split_at_checked(size)?;
        fields.push(field.to_vec());
        body = rest;
    }
    Some(fields)
}

fn length_at(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_from_pieces() {
        let bytes = encode(b'D', &[b"7", b"", b"text"]);
        let mut received = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            assert_eq!(decode(&mut received), Ok(None), "after {index} bytes");
            received.push(*byte);
        }
        received.push(b'H');
        let frame = decode(&mut received).unwrap().unwrap();
        assert_eq!(frame.kind, b'D');
        assert_eq!(frame.number(0), Some(7));
        assert_eq!(
            (frame.text(1), frame.text(2)),
            (String::new(), "text".into())
        );
        assert_eq!(frame.field(3), b"");
        assert_eq!(received, b"H");
    }

    #[test]
    fn what_another_tool_left_unread_is_skipped() {
        let unread = encode(b'O', &[&[b'H'; 3000]]);
        let mut all = unread[unread.len() / 2..].to_vec();
        // The answer to somebody else.
        all.extend(encode(b'H', &[b"41", b"3.8.18"]));
        all.extend(encode(b'H', &[b"42", b"3.12.1"]));
        let mut received = Vec::new();
        let mut found = None;
        for byte in all {
            received.push(byte);
            if skip_to(&mut received, b'H', "42") {
                found = decode(&mut received).unwrap();
            } else {
                assert!(received.len() < 11, "{received:?}");
            }
        }
        assert_eq!(found.unwrap().text(1), "3.12.1");
        assert!(received.is_empty());
    }

    #[test]
    fn what_the_target_sends_is_not_trusted() {
        let long = [b'O', 1, 0, 16, 0].to_vec();
        assert_eq!(
            decode(&mut long.clone()),
            Err(ProtocolError::TooLong(0x10_0001))
        );
        let beyond = [b'O', 5, 0, 0, 0, 2, 0, 0, 0, 1].to_vec();
        assert_eq!(
            decode(&mut beyond.clone()),
            Err(ProtocolError::Fields(b'O'))
        );
        let short = [b'O', 2, 0, 0, 0, 2, 0].to_vec();
        assert_eq!(decode(&mut short.clone()), Err(ProtocolError::Fields(b'O')));
    }
}
