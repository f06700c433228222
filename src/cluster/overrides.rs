//! Overrides fields of a kubeconfig with flags, by client-go's rules (`clientcmd/client_config.go`).

use std::path::Path;

use anyhow::anyhow;
use kube::config::{AuthInfo, Cluster};
use secrecy::{ExposeSecret, SecretString};

use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;

/// Returns the cluster with the overrides of the flags.
pub(super) fn cluster(mut cluster: Cluster, flags: &ClusterFlags) -> Cluster {
    if flags.server.is_some() {
        // `tls-server-name` of the kubeconfig is for another server than that of the flag.
        cluster.tls_server_name = None;
        cluster.server.clone_from(&flags.server);
    }
    if flags.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&flags.tls_server_name);
    }
    // Each of these flags replaces all settings of the kubeconfig about verifying the certificate.
    if flags.certificate_authority.is_some() || flags.insecure_skip_tls_verify == Some(true) {
        cluster.certificate_authority = flags.certificate_authority.as_deref().map(text);
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
    } else if flags.insecure_skip_tls_verify.is_some() {
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
    }
    if flags.proxy_url.is_some() {
        cluster.proxy_url.clone_from(&flags.proxy_url);
    }
    if flags.disable_compression.is_some() {
        cluster.disable_compression = flags.disable_compression;
    }
    for field in [
        &mut cluster.server,
        &mut cluster.certificate_authority,
        &mut cluster.certificate_authority_data,
        &mut cluster.tls_server_name,
        &mut cluster.proxy_url,
    ] {
        field.take_if(|text| text.is_empty());
    }
    cluster
}

/// Returns the user with the overrides of the flags.
pub(super) fn user(mut user: AuthInfo, flags: &ClusterFlags, name: &str) -> Result<AuthInfo, ClusterError> {
    if flags.token.is_some() || flags.username.is_some() {
        // kubectl would also send the client certificate of the kubeconfig, and the server would authenticate that
        // and ignore the token. A user who passes a token wants to use it.
        user = AuthInfo {
            impersonate: user.impersonate,
            impersonate_groups: user.impersonate_groups,
            impersonate_uid: user.impersonate_uid,
            impersonate_user_extra: user.impersonate_user_extra,
            token: flags.token.clone(),
            username: flags.username.clone(),
            password: flags.password.clone(),
            ..AuthInfo::default()
        };
    }
    if let Some(file) = &flags.client_certificate {
        user.client_certificate = Some(text(file));
        user.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        user.client_key = Some(text(file));
        user.client_key_data = None;
    }
    if flags.impersonate.is_some() {
        user.impersonate.clone_from(&flags.impersonate);
    }
    if !flags.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    if flags.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&flags.impersonate_uid);
    }
    empty_is_absent(&mut user);
    check(&user, name)?;
    Ok(user)
}

fn check(user: &AuthInfo, name: &str) -> Result<(), ClusterError> {
    let groups = user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
    if user.impersonate.is_none() && (groups || user.impersonate_uid.is_some()) {
        return Err(ClusterError::ImpersonationWithoutUser);
    }
    // kube would still run the gcp provider, several times; client-go supports only OIDC since 1.26.
    let provider = user.auth_provider.as_ref().map(|provider| provider.name.as_str());
    let instead = match provider {
        None | Some("oidc") => return Ok(()),
        Some("gcp") => "use gke-gcloud-auth-plugin",
        Some("azure") => "use kubelogin",
        Some(_) => "use a credential plugin",
    };
    Err(ClusterError::Unusable {
        what: format!("auth provider `{}` of user `{name}`", provider.unwrap_or_default()),
        reason: anyhow!("Kubernetes removed it; {instead}"),
        hint: "",
    })
}

/// Treats `token: ""` as no token, like kubectl.
fn empty_is_absent(user: &mut AuthInfo) {
    for field in [
        &mut user.username,
        &mut user.token_file,
        &mut user.client_certificate,
        &mut user.client_certificate_data,
        &mut user.client_key,
        &mut user.impersonate,
        &mut user.impersonate_uid,
    ] {
        field.take_if(|text| text.is_empty());
    }
    for field in [&mut user.token, &mut user.client_key_data] {
        field.take_if(|secret: &mut SecretString| secret.expose_secret().is_empty());
    }
}

/// Converts a path to text for kube. A path that is not Unicode is then not found, and the message shows it.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
