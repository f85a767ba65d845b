//! The demo tape: a real mesh, recorded while istiod could not fetch a token issuer's keys. Embedded, so that it is always there.

use super::Tape;
use crate::error::Result;

/// Open the demo tape. Its answers are unpacked when the first of them is asked for.
///
/// # Errors
/// Never for a tape that its tests opened.
pub fn demo() -> Result<Tape> {
    Tape::shipped("the demo", include_bytes!("../../tests/tapes/jwks-certificate-fault.tape"))
}
