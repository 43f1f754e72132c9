//! How much a JSON document holds, told without building any of it.
//!
//! A value of two bytes may be an object of a hundred in memory, and what is found wrong with it another hundred: the size
//! of a document says little of what it costs.

/// What a document holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonParts {
    /// Texts, names of fields among them, lists and objects: each is an object in memory.
    pub objects: usize,
    /// Values behind the first one of their list or object, and so all numbers but as many as there are lists.
    pub further_values: usize,
}

/// Counts in one pass; of bytes that are no JSON, what the readable ones would be.
#[must_use]
pub fn json_parts(document: &[u8]) -> JsonParts {
    let mut parts = JsonParts::default();
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => parts.objects += 1,
            b',' => parts.further_values += 1,
            b'"' => {
                parts.objects += 1;
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{JsonParts, json_parts};

    #[test]
    fn counts() {
        let table: [(&str, usize, usize); 9] = [
            ("", 0, 0),
            ("17", 0, 0),
            (r#""a, [b] {c}""#, 1, 0),
            (r#""a \"quoted, [\\\" word""#, 1, 0),
            (r#""\\","b""#, 2, 1),
            ("[1,2,3]", 1, 2),
            ("[[],{},[5]]", 4, 2),
            (r#"{"a":{"b":[1,2]},"c":"d,e"}"#, 7, 2),
            (r#""without an end, ["#, 1, 0),
        ];
        for (document, objects, further_values) in table {
            assert_eq!(json_parts(document.as_bytes()), JsonParts { objects, further_values }, "{document}");
        }
    }
}
