//! Where envelopes come from: the shell's side of the network.
//!
//! Every source is a task that writes into a [`hub::Port`]; the [`hub::Hub`] is
//! the one place that stamps `seq` and `at`. Sources never decide what data
//! means: they fetch, resume, and say how they fare.
//!
//! | name | what |
//! |---|---|
//! | `kube:pods`, `kube:deployments`, `kube:statefulsets`, `kube:events`, `kube:nodes` | list and watch |
//! | `kube:coordinator` | where the cluster is, when it is not in the namespace |
//! | `kube:podmetrics` | metrics.k8s.io, polled |
//! | `kube:logs` | which logs are followed, and which not |
//! | `log:POD/CONTAINER` | one container's log |
//! | `prom:POD` | one pod's Prometheus metrics |
//! | `grpc:coordinator` | GetStats |
//! | `grpc:proofs`, `grpc:versions` | the API's proof requests and build manifest |

pub mod backoff;
pub mod files;
pub mod follow;
pub mod grpc;
pub mod hub;
pub mod kube;
pub mod live;
