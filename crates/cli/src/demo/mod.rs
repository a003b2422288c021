//! What `exuvia demo` examines: a small Python service that leaks, and clients that it
//! serves meanwhile.

mod clients;
mod python;
mod service;

pub(crate) use clients::{Clients, Served};
pub(crate) use python::Python;
pub(crate) use service::Service;
