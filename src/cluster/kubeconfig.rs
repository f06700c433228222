//! Chooses the server and the user from kubeconfig files and flags, with kubectl's rules.
//!
//! kube could read the files of KUBECONFIG itself, but it fails if one does not exist, and it has its own rules for
//! the proxy variables. So kube only merges files and loads certificates here; this module chooses and overrides.

use std::io;
use std::path::PathBuf;

use anyhow::anyhow;
use kube::config::{
    AuthInfo, Cluster, Context, ExecAuthCluster, Kubeconfig, KubeconfigError, LoadDataError, NamedAuthInfo,
    NamedCluster, NamedContext,
};

use crate::cluster::environment::Environment;
use crate::cluster::error::ClusterError;
use crate::cluster::flags::ClusterFlags;
use crate::cluster::kubeconfig_file::{mismatch, read};
use crate::cluster::transport::Insecurity;
use crate::cluster::{overrides, proxy, server_address};

/// The server and the user, for messages.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The address, without user name and password.
    pub(super) server: String,
    pub(super) context: String,
    pub(super) namespace: String,
    /// The user of the kubeconfig; empty if the credentials came from flags.
    pub(super) user: String,
    /// The credential plugin of the user.
    pub(super) plugin: Option<String>,
    /// The address of the proxy, without user name and password.
    pub(super) proxy: Option<String>,
    /// What lets others read or change the traffic.
    pub(super) insecurities: Vec<Insecurity>,
}

/// Reads the kubeconfig, and returns the connection settings that it and the flags describe.
pub(super) fn choose(
    flags: &ClusterFlags,
    environment: &Environment,
) -> Result<(kube::Config, Endpoint), ClusterError> {
    let (kubeconfig, looked_at) = read_files(flags, environment)?;
    let Some(kubeconfig) = kubeconfig else {
        if flags.server.is_some() {
            return choose_from(Kubeconfig::default(), flags, environment);
        }
        if environment.in_pod {
            return in_pod(flags);
        }
        return Err(ClusterError::NoKubeconfig { looked_at });
    };
    choose_from(kubeconfig, flags, environment)
}

/// Merges the files in order: values of earlier files take precedence.
pub(super) fn read_files(
    flags: &ClusterFlags,
    environment: &Environment,
) -> Result<(Option<Kubeconfig>, Vec<PathBuf>), ClusterError> {
    if let Some(file) = &flags.kubeconfig {
        let read = read(file)?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file or directory");
        let read =
            read.ok_or_else(|| ClusterError::KubeconfigUnreadable { file: file.clone(), source: missing() })?;
        return Ok((Some(read), Vec::new()));
    }
    let list = environment.kubeconfig.as_deref().unwrap_or_default();
    let mut files: Vec<PathBuf> =
        std::env::split_paths(list).filter(|file| !file.as_os_str().is_empty()).collect();
    if files.is_empty() {
        files.extend(environment.home.as_ref().map(|home| home.join(".kube").join("config")));
    }
    let mut merged: Option<Kubeconfig> = None;
    let mut missing = Vec::new();
    for file in files {
        let Some(next) = read(&file)? else {
            missing.push(file);
            continue;
        };
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|error| mismatch(&file, &error))?,
        });
    }
    Ok((merged, missing))
}

/// Returns the context, with the overrides of the flags.
pub(super) fn choose_from(
    kubeconfig: Kubeconfig,
    flags: &ClusterFlags,
    environment: &Environment,
) -> Result<(kube::Config, Endpoint), ClusterError> {
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let context_name = flags.context.clone().or(current);
    let context = match &context_name {
        Some(name) => find(kubeconfig.contexts, "context", name)?,
        // As in kubectl, a server or a cluster is enough.
        None if flags.server.is_some() || flags.cluster.is_some() => Context::default(),
        None => return Err(ClusterError::NoContext { known: kubeconfig.contexts.name_list() }),
    };
    let cluster_name = flags.cluster.clone().unwrap_or(context.cluster);
    let user_name = flags.user.clone().or(context.user).unwrap_or_default();
    let from_flags = flags.token.is_some() || flags.username.is_some();
    let cluster = match find(kubeconfig.clusters, "cluster", &cluster_name) {
        Ok(cluster) => cluster,
        Err(_) if flags.cluster.is_none() && flags.server.is_some() => Cluster::default(),
        Err(error) => return Err(error),
    };
    let user = match find(kubeconfig.auth_infos, "user", &user_name) {
        Ok(user) => user,
        // As in kubectl: if the user of the context does not exist, the request is anonymous, and the server
        // decides.
        Err(_) if flags.user.is_none() => AuthInfo::default(),
        Err(error) => return Err(error),
    };
    let cluster = overrides::cluster(cluster, flags);
    let user = overrides::user(user, flags, &user_name)?;
    let namespace = flags.namespace.clone().or(context.namespace).filter(|name| !name.is_empty());
    let names = Names {
        context: context_name.unwrap_or_default(),
        cluster: cluster_name,
        user: if from_flags { String::new() } else { user_name },
        namespace: namespace.unwrap_or_else(|| "default".into()),
    };
    configure(cluster, user, names, environment)
}

struct Names {
    context: String,
    cluster: String,
    user: String,
    namespace: String,
}

fn configure(
    cluster: Cluster,
    mut user: AuthInfo,
    names: Names,
    environment: &Environment,
) -> Result<(kube::Config, Endpoint), ClusterError> {
    let Some(address) = &cluster.server else {
        return Err(ClusterError::NoServer { cluster: names.cluster });
    };
    let uri = server_address::address(address, &cluster, &user)?;
    // The plugin format is also the way to get kube to parse the certificates.
    let for_plugin = ExecAuthCluster::try_from(&cluster).map_err(|error| {
        unusable(format!("the certificate authority of cluster `{}`", names.cluster), &error)
    })?;
    let authority = for_plugin.certificate_authority_data.clone();
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(for_plugin);
    }

    let mut config = kube::Config::new(uri.clone());
    config.root_cert = authority.map(|pem| server_address::certificates(&pem, &names.cluster)).transpose()?;
    let insecurities = Insecurity::of(&uri, &cluster, &user);
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name;
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.proxy_url = proxy::choose(cluster.proxy_url.as_deref(), &uri, environment)?;
    config.default_namespace.clone_from(&names.namespace);
    let endpoint = Endpoint {
        server: server_address::shown(&uri),
        context: names.context,
        namespace: names.namespace,
        plugin: user.exec.as_ref().and_then(|exec| exec.command.clone()),
        user: names.user,
        proxy: config.proxy_url.as_ref().map(server_address::shown),
        insecurities,
    };
    config.auth_info = user;
    Ok((config, endpoint))
}

/// Returns the settings for the service account of the pod that the program runs in.
fn in_pod(flags: &ClusterFlags) -> Result<(kube::Config, Endpoint), ClusterError> {
    const USER: &str = "service account of the pod";
    let mut config = kube::Config::incluster().map_err(|error| ClusterError::Unusable {
        what: format!("the {USER}"),
        reason: error.into(),
        hint: "the pod must mount the token of its service account",
    })?;
    config.auth_info = overrides::user(config.auth_info, flags, USER)?;
    if let Some(namespace) = &flags.namespace {
        config.default_namespace.clone_from(namespace);
    }
    let endpoint = Endpoint {
        server: server_address::shown(&config.cluster_url),
        context: "in-cluster".into(),
        namespace: config.default_namespace.clone(),
        user: USER.into(),
        plugin: None,
        proxy: None,
        // The pod's own address is always https, with the authority of the cluster.
        insecurities: Vec::new(),
    };
    Ok((config, endpoint))
}

/// Returns an error in our own words: kube's messages contain file names in debug form.
pub(super) fn unusable(what: String, error: &KubeconfigError) -> ClusterError {
    let reason = match error {
        KubeconfigError::LoadCertificateAuthority(error)
        | KubeconfigError::LoadClientCertificate(error)
        | KubeconfigError::LoadClientKey(error) => match error {
            LoadDataError::DecodeBase64(_) => anyhow!("invalid base64"),
            LoadDataError::ReadFile(error, file) => anyhow!("{}: {error}", file.display()),
            LoadDataError::NoBase64DataOrFile => anyhow!("both a certificate and a key are required"),
        },
        _ => anyhow!("cannot parse it"),
    };
    ClusterError::Unusable { what, reason, hint: ClusterError::CORRECT }
}

/// An entry of one of the three lists of a kubeconfig.
trait Named {
    type Content;
    fn name(&self) -> &str;
    fn content(self) -> Option<Self::Content>;
}

macro_rules! named {
    ($named:ty, $content:ty, $field:ident) => {
        impl Named for $named {
            type Content = $content;
            fn name(&self) -> &str {
                &self.name
            }
            fn content(self) -> Option<$content> {
                self.$field
            }
        }
    };
}
named!(NamedContext, Context, context);
named!(NamedCluster, Cluster, cluster);
named!(NamedAuthInfo, AuthInfo, auth_info);

trait NameList {
    fn name_list(&self) -> Vec<String>;
}

impl<N: Named> NameList for Vec<N> {
    fn name_list(&self) -> Vec<String> {
        self.iter().map(|named| named.name().to_owned()).collect()
    }
}

fn find<N: Named>(list: Vec<N>, what: &'static str, name: &str) -> Result<N::Content, ClusterError> {
    let known = list.name_list();
    let found = list.into_iter().find(|named| named.name() == name).and_then(N::content);
    found.ok_or_else(|| ClusterError::UnknownName { what, name: name.into(), known })
}
