//! Signatures of tokens, checked with ring.

use super::jwks::Jwk;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// What came of checking a signature with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Good,
    Bad,
    /// The key is of another kind than the algorithm needs.
    WrongKind,
    /// pilotage cannot check this; the proxy can.
    Unknown,
}

/// The algorithms that Envoy knows; `none` is not among them.
pub(super) const ALGORITHMS: [&str; 13] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"];

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Bytes of base64url, padded or not.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(text).ok()
}

/// The length of a big-endian number in bits.
pub(super) fn bit_length(number: &[u8]) -> u64 {
    let number = strip_zeros(number);
    number.first().map_or(0, |first| number.len() as u64 * 8 - u64::from(first.leading_zeros()))
}

/// Check the signature of `signed` with this key by the algorithm that the token names.
pub(super) fn check(algorithm: &str, key: &Jwk, signed: &[u8], signature: &[u8]) -> Outcome {
    match (algorithm, key.row.kty.as_deref()) {
        ("RS256", Some("RSA")) => rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, 1024, key, signed, signature),
        ("RS384", Some("RSA")) => rsa(&RSA_PKCS1_2048_8192_SHA384, 2048, key, signed, signature),
        ("RS512", Some("RSA")) => rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, 1024, key, signed, signature),
        ("PS256", Some("RSA")) => rsa(&RSA_PSS_2048_8192_SHA256, 2048, key, signed, signature),
        ("PS384", Some("RSA")) => rsa(&RSA_PSS_2048_8192_SHA384, 2048, key, signed, signature),
        ("PS512", Some("RSA")) => rsa(&RSA_PSS_2048_8192_SHA512, 2048, key, signed, signature),
        ("ES256", Some("EC")) => ec(&ECDSA_P256_SHA256_FIXED, "P-256", 32, key, signed, signature),
        ("ES384", Some("EC")) => ec(&ECDSA_P384_SHA384_FIXED, "P-384", 48, key, signed, signature),
        // ring has no P-521.
        ("ES512", Some("EC")) if key.row.crv.as_deref() == Some("P-521") => Outcome::Unknown,
        ("EdDSA", Some("OKP")) => match (key.row.crv.as_deref(), key.bytes("x")) {
            (Some("Ed25519"), Some(x)) => good(UnparsedPublicKey::new(&ED25519, x).verify(signed, signature).is_ok()),
            _ => Outcome::WrongKind,
        },
        _ => Outcome::WrongKind,
    }
}

fn good(good: bool) -> Outcome {
    if good { Outcome::Good } else { Outcome::Bad }
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().position(|byte| *byte != 0).unwrap_or(number.len())..]
}

fn rsa(parameters: &'static RsaParameters, least: u64, key: &Jwk, signed: &[u8], signature: &[u8]) -> Outcome {
    let (Some(n), Some(e)) = (key.bytes("n"), key.bytes("e")) else { return Outcome::WrongKind };
    if !(least..=8192).contains(&bit_length(&n)) {
        return Outcome::Unknown;
    }
    let public = RsaPublicKeyComponents { n: strip_zeros(&n), e: strip_zeros(&e) };
    good(public.verify(parameters, signed, signature).is_ok())
}

fn ec(
    algorithm: &'static EcdsaVerificationAlgorithm,
    curve: &str,
    size: usize,
    key: &Jwk,
    signed: &[u8],
    signature: &[u8],
) -> Outcome {
    let (Some(x), Some(y)) = (key.bytes("x"), key.bytes("y")) else { return Outcome::WrongKind };
    let (x, y) = (strip_zeros(&x), strip_zeros(&y));
    if key.row.crv.as_deref() != Some(curve) || x.len() > size || y.len() > size {
        return Outcome::WrongKind;
    }
    let mut point = vec![0; 1 + 2 * size];
    point[0] = 4;
    point[1 + size - x.len()..=size].copy_from_slice(x);
    point[1 + 2 * size - y.len()..].copy_from_slice(y);
    good(UnparsedPublicKey::new(algorithm, point).verify(signed, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Jwks;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        KeyPair,
    };
    use serde_json::json;

    fn key(members: &serde_json::Value) -> Jwk {
        Jwks::parse(&json!({ "keys": [members] }).to_string()).unwrap().keys.remove(0)
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, alg: &str, curve: &str) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
        // Some issuers strip leading zeros of the coordinates.
        let encode = |bytes| URL_SAFE_NO_PAD.encode(strip_zeros(bytes));
        let jwk = key(&json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)}));
        let signature = pair.sign(&random, b"signed").unwrap();
        assert_eq!(check(alg, &jwk, b"signed", signature.as_ref()), Outcome::Good);
        assert_eq!(check(alg, &jwk, b"changed", signature.as_ref()), Outcome::Bad);
        assert_eq!(check("RS256", &jwk, b"signed", signature.as_ref()), Outcome::WrongKind);
        let other = if alg == "ES256" { "ES384" } else { "ES256" };
        assert_eq!(check(other, &jwk, b"signed", signature.as_ref()), Outcome::WrongKind);
    }

    #[test]
    fn elliptic_curves_verify_and_refuse() {
        ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256", "P-256");
        ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384", "P-384");
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let jwk = key(&json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key())}));
        assert_eq!(check("EdDSA", &jwk, b"signed", pair.sign(b"signed").as_ref()), Outcome::Good);
        assert_eq!(check("EdDSA", &jwk, b"changed", pair.sign(b"signed").as_ref()), Outcome::Bad);
        let p521 = key(&json!({"kty": "EC", "crv": "P-521", "x": "AQ", "y": "AQ"}));
        assert_eq!(check("ES512", &p521, b"signed", b"x"), Outcome::Unknown);
    }

    #[test]
    fn rsa_verifies_all_paddings_and_refuses_the_rest() {
        let pair = crate::tls::testing::rsa();
        for (alg, padding) in crate::tls::testing::rsa_paddings() {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &SystemRandom::new(), b"signed", &mut signature).unwrap();
            let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
            let mut n = vec![0];
            n.extend(&public.n);
            let jwk = key(&json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&n), "e": URL_SAFE_NO_PAD.encode(&public.e)}));
            assert_eq!(check(alg, &jwk, b"signed", &signature), Outcome::Good, "{alg}");
            assert_eq!(check(alg, &jwk, b"changed", &signature), Outcome::Bad, "{alg}");
            assert_eq!(check("HS256", &jwk, b"signed", &signature), Outcome::WrongKind);
        }
    }

    #[test]
    fn bits_are_counted_without_leading_zeros() {
        assert_eq!([bit_length(&[]), bit_length(&[0, 0]), bit_length(&[0, 1]), bit_length(&[0x80, 0])], [0, 0, 1, 16]);
    }
}
