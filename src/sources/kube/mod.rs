//! Kubernetes: pods and other objects, logs, metrics.

pub mod access;
pub mod change;
pub mod find;
pub mod follow;
pub mod forward;
pub mod http;
pub mod kubeconfig;
pub mod lines;
pub mod logs;
pub mod metrics;
pub mod objects;
pub mod pods;
pub mod strip;
