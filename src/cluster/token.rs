//! Tokens of a user: trimmed, and checked before they are sent. kube panics if a header cannot contain the token.

use std::fs;

use anyhow::anyhow;
use http::HeaderValue;
use kube::config::AuthInfo;
use secrecy::{ExposeSecret, SecretString};

use crate::cluster::error::ClusterError;

/// The hint for an invalid token.
const ONE_LINE: &str = "write the token, and nothing else, on one line";

/// Removes white space around the token of a user, and refuses a token that cannot be sent. Editors and `echo` end a file with
/// a line end; client-go trims token files likewise (`transport/token_source.go`). Messages do not contain the token.
pub(super) fn check(user: &mut AuthInfo, name: &str) -> Result<(), ClusterError> {
    if let Some(token) = &user.token {
        // Credentials of flags have no user.
        let of = if name.is_empty() { "of --token".to_owned() } else { format!("of user `{name}`") };
        user.token = checked(token.expose_secret(), &format!("the token {of}"))?;
    }
    let Some(file) = user.token_file.as_ref().filter(|_| user.token.is_none()) else { return Ok(()) };
    let what = format!("the token file {file} of user `{name}`");
    let is_regular = fs::metadata(file).is_ok_and(|metadata| metadata.is_file());
    // kube reports a file that cannot be read.
    let Ok(text) = fs::read_to_string(file) else { return Ok(()) };
    let token = checked(&text, &what)?;
    if token.is_none() {
        return Err(ClusterError::Unusable { what, reason: anyhow!("it is empty"), hint: ONE_LINE });
    }
    // kube reads a file again after a minute, but it does not trim it; a pipe can be read only once.
    if !is_regular || text.trim() != text {
        user.token = token;
        user.token_file = None;
    }
    Ok(())
}

/// Returns the token without white space around it; `None` if nothing is left.
fn checked(token: &str, what: &str) -> Result<Option<SecretString>, ClusterError> {
    let token = token.trim();
    if HeaderValue::try_from(format!("Bearer {token}")).is_err() {
        let reason = if token.contains(['\n', '\r']) {
            "it has several lines, and a token has one"
        } else {
            "it has control characters, which a token cannot have"
        };
        return Err(ClusterError::Unusable {
            what: what.to_owned(),
            reason: anyhow!(reason),
            hint: ONE_LINE,
        });
    }
    Ok((!token.is_empty()).then(|| token.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(user: AuthInfo) -> Result<(Option<String>, bool), String> {
        let mut user = user;
        check(&mut user, "me").map_err(|error| error.to_string())?;
        Ok((user.token.map(|token| token.expose_secret().to_owned()), user.token_file.is_some()))
    }

    #[test]
    fn tokens_are_trimmed_and_checked() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let several = "it has several lines, and a token has one";
        let control = "it has control characters, which a token cannot have";
        for (text, expected) in [
            ("s3cret", Ok("s3cret")),
            ("s3cret\n", Ok("s3cret")),
            (" s3cret\r\n\n", Ok("s3cret")),
            ("s3cret\ns3cret", Err(several)),
            ("s3cret\rs3cret\n", Err(several)),
            ("s3cret\0", Err(control)),
            ("s3cret\u{7f}x", Err(control)),
        ] {
            let inline = tried(AuthInfo { token: Some(text.into()), ..AuthInfo::default() });
            let wanted = expected.map(|token| (Some(token.to_owned()), false));
            assert_eq!(inline, wanted.map_err(|why| format!("cannot use the token of user `me`: {why}")));
            fs::write(&file, text).unwrap();
            let path = file.display().to_string();
            let from_file = tried(AuthInfo { token_file: Some(path.clone()), ..AuthInfo::default() });
            // A clean file is left to kube, which reads it again later.
            let wanted = expected
                .map(|token| if text == token { (None, true) } else { (Some(token.to_owned()), false) });
            let message = |why| format!("cannot use the token file {path} of user `me`: {why}");
            assert_eq!(from_file, wanted.map_err(message));
        }
        fs::write(&file, "\n").unwrap();
        let empty = tried(AuthInfo { token_file: Some(file.display().to_string()), ..AuthInfo::default() });
        assert!(empty.unwrap_err().ends_with("it is empty"));
        let mut of_flag = AuthInfo { token: Some("s3cret\ns3cret".into()), ..AuthInfo::default() };
        assert_eq!(
            check(&mut of_flag, "").unwrap_err().to_string(),
            format!("cannot use the token of --token: {several}")
        );
        assert_eq!(tried(AuthInfo { token: Some("\n".into()), ..AuthInfo::default() }), Ok((None, false)));
    }
}
