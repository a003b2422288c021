//! What `exuvia demo` examines: a small Python service that leaks, and clients that it
//! serves meanwhile.

mod clients;
mod python;
mod service;

pub(crate) use clients::{Clients, Served};
pub(crate) use python::Python;
pub(crate) use service::Service;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_service_answers_until_it_is_dropped() {
        let service = Service::start(&Python::find().unwrap()).unwrap();
        let process = format!("/proc/{}", service.pid().unwrap());
        let clients = Clients::start(service.address()).unwrap();
        assert!(clients.stop().unwrap().requests > 0);
        assert!(Path::new(&process).exists());
        drop(service);
        assert!(!Path::new(&process).exists());
    }
}
