//! SCRAM (RFC 5802), the client's side, without channel binding.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SecureRandom as _;
use ring::{digest, hmac, pbkdf2};

/// What a server may ask for at most, so that it cannot keep us busy for ever.
const MOST_ITERATIONS: u32 = 1_000_000;

/// The hash that both sides use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    const fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    const fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn mac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hmac(), key), text)
            .as_ref()
            .to_vec()
    }
}

/// One login.
pub(super) struct Scram {
    hash: Hash,
    password: String,
    /// `n=user,r=nonce`.
    bare: String,
    nonce: String,
    /// What the server must answer at the end.
    signature: Vec<u8>,
}

impl Scram {
    pub(super) fn new(hash: Hash, username: &str, password: &str) -> Result<Self, String> {
        let mut random = [0; 24];
        ring::rand::SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| "the system gives no random numbers")?;
        Ok(Self::with_nonce(
            hash,
            username,
            password,
            BASE64_STANDARD.encode(random),
        ))
    }

    fn with_nonce(hash: Hash, username: &str, password: &str, nonce: String) -> Self {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            hash,
            password: password.to_owned(),
            bare: format!("n={username},r={nonce}"),
            nonce,
            signature: Vec::new(),
        }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The proof that answers the server's challenge.
    pub(super) fn prove(&mut self, challenge: &str) -> Result<String, String> {
        let strange = || format!("the server's challenge is none of SCRAM: `{challenge}`");
        let nonce = field(challenge, 'r').ok_or_else(strange)?;
        let salt = field(challenge, 's').and_then(|salt| BASE64_STANDARD.decode(salt).ok());
        let salt = salt.ok_or_else(strange)?;
        let iterations: u32 = field(challenge, 'i')
            .and_then(|count| count.parse().ok())
            .ok_or_else(strange)?;
        let iterations = NonZeroU32::new(iterations.min(MOST_ITERATIONS)).ok_or_else(strange)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the server's challenge is for another login".to_owned());
        }
        let hash = self.hash;
        let mut salted = vec![0; hash.digest().output_len()];
        pbkdf2::derive(
            hash.pbkdf2(),
            iterations,
            &salt,
            self.password.as_bytes(),
            &mut salted,
        );
        let client_key = hash.mac(&salted, b"Client Key");
        let stored = digest::digest(hash.digest(), &client_key);
        let bare = format!("c=biws,r={nonce}");
        let message = format!("{},{challenge},{bare}", self.bare);
        let signature = hash.mac(stored.as_ref(), message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        self.signature = hash.mac(&hash.mac(&salted, b"Server Key"), message.as_bytes());
        Ok(format!("{bare},p={}", BASE64_STANDARD.encode(proof)))
    }

    /// Whether the server knows the password, too.
    pub(super) fn verify(&self, verdict: &str) -> Result<(), String> {
        let signature = field(verdict, 'v').and_then(|text| BASE64_STANDARD.decode(text).ok());
        match (signature, field(verdict, 'e')) {
            (Some(signature), _) if !signature.is_empty() && signature == self.signature => Ok(()),
            (_, Some(error)) => Err(format!("the login is refused: {error}")),
            _ => Err(
                "the server does not know the password itself; it is not the one it says it is"
                    .to_owned(),
            ),
        }
    }
}

fn field(message: &str, key: char) -> Option<&str> {
    message
        .split(',')
        .find_map(|field| field.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7677_is_answered() {
        let mut scram = Scram::with_nonce(
            Hash::Sha256,
            "user",
            "pencil",
            "rOprNGfwEbeRWgbNEkqO".to_owned(),
        );
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let proof = scram
            .prove("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
            .unwrap();
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(
            scram
                .verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
                .is_ok()
        );
        assert!(scram.verify("v=AAAA").is_err());
        assert!(
            scram
                .verify("e=invalid-proof")
                .unwrap_err()
                .contains("invalid-proof")
        );
    }

    #[test]
    fn a_challenge_for_somebody_else_is_refused() {
        let mut scram = Scram::with_nonce(Hash::Sha512, "a,b=c", "p", "mine".to_owned());
        assert_eq!(scram.first(), "n,,n=a=2Cb=3Dc,r=mine");
        assert!(scram.prove("r=other,s=AAAA,i=1").is_err());
        assert!(scram.prove("r=mine,s=AAAA,i=1").is_err());
        assert!(scram.prove("nonsense").is_err());
    }
}
