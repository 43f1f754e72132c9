//! What the answers of several dialects have around their rows.

use super::error::{Result, WireError};
use super::reader::Reader;

/// Refuses an answer that reports an error beside, or in place of, what was asked for.
pub(super) fn refuse_error(reader: &mut Reader<'_>) -> Result<()> {
    if reader.null()? {
        return Ok(());
    }
    let byte = reader.byte();
    reader.skip()?;
    Err(WireError::ErrorInside { byte })
}

/// A list such as `choices`: `visit` reads the first element, the others are skipped. Whether there was one.
pub(super) fn first_of(reader: &mut Reader<'_>, mut visit: impl FnMut(&mut Reader<'_>) -> Result<()>) -> Result<bool> {
    if reader.peek()? != jiter::Peek::Array {
        reader.skip()?;
        return Ok(false);
    }
    let elements = reader.array(|reader, index| if index == 0 { visit(reader) } else { reader.skip() })?;
    Ok(elements > 0)
}

/// `usage.completion_tokens`, if it is told.
pub(super) fn completion_tokens(reader: &mut Reader<'_>) -> Result<Option<usize>> {
    let mut tokens = None;
    if !reader.null()? {
        reader.object(&["completion_tokens"], |reader, _| {
            tokens = reader.count()?.and_then(|count| usize::try_from(count).ok());
            Ok(())
        })?;
    }
    Ok(tokens)
}
