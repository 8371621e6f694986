//! What lies between the processes and something they need, to be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A way to a server on this machine.
pub struct Cable {
    pub address: SocketAddr,
    is_cut: Arc<AtomicBool>,
}

impl Cable {
    /// One that leads to `there`.
    pub async fn lay(there: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        tokio::spawn(async move {
            let mut calls = JoinSet::new();
            loop {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                    call = listener.accept() => {
                        let Ok((mut from, _)) = call else { continue };
                        if !cut.load(Ordering::Relaxed) {
                            calls.spawn(async move {
                                let mut to = TcpStream::connect(there).await?;
                                copy_bidirectional(&mut from, &mut to).await
                            });
                        }
                    }
                }
                if cut.load(Ordering::Relaxed) {
                    calls.abort_all();
                }
            }
        });
        Self { address, is_cut }
    }

    /// Ends every connection, and lets none come through.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}
