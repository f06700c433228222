//! The cluster side: the only place that knows kube, tokio and the network.
