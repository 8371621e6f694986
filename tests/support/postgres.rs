//! A server of PostgreSQL of the test's own, which can be taken away.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use uuid::Uuid;

use super::fleet::free_port;

/// Its folder is its own too; dropping it ends it and leaves nothing.
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// A new one, or why there can be none.
    pub fn open() -> Result<Self, String> {
        let programs = programs().ok_or("initdb and pg_ctl are not installed")?;
        let folder = env::temp_dir().join(format!("souk-postgres-{}", Uuid::now_v7().simple()));
        let server = Self { programs, folder, port: free_port() };
        let made = server.run("initdb", &["--username=souk", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let settings = format!("port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n", server.port);
        let file = server.folder.join("postgresql.conf");
        let all = fs::read_to_string(&file).map_err(|error| error.to_string())? + &settings;
        fs::write(&file, all).map_err(|error| error.to_string())?;
        let started = server.control(&["start", "-w", "-t", "60"]);
        if started { Ok(server) } else { Err(fs::read_to_string(server.log()).unwrap_or_default()) }
    }

    /// Where its databases are made.
    pub fn url(&self) -> String {
        format!("postgres://souk@127.0.0.1:{}/postgres", self.port)
    }

    /// Takes it away, `fast` as an operator would or `immediate` as a crash does.
    pub fn stop(&self, mode: &str) {
        assert!(self.control(&["stop", "-w", "-t", "60", "-m", mode]), "it does not stop");
    }

    pub fn start(&self) {
        assert!(self.control(&["start", "-w", "-t", "60"]), "it does not start: {}", fs::read_to_string(self.log()).unwrap_or_default());
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn control(&self, words: &[&str]) -> bool {
        let log = self.log();
        let words: Vec<_> = [words, &["-s", "-l", log.to_str().expect("a plain path")]].concat();
        self.run("pg_ctl", &words).status.success()
    }

    /// It refuses to be root's, so root lends it the user that its package made.
    fn run(&self, program: &str, words: &[&str]) -> Output {
        let program = self.programs.join(program);
        let mut command = if is_root() { Command::new("runuser") } else { Command::new(&program) };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command.args(words).arg("-D").arg(&self.folder).current_dir(env::temp_dir()).stdin(Stdio::null());
        // The server outlives the command that starts it, so it must not hold this command's pipes.
        if program.ends_with("pg_ctl") {
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pg_ctl runs");
            return Output { status, stdout: vec![], stderr: vec![] };
        }
        command.output().expect("it runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["stop", "-w", "-t", "30", "-m", "immediate"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Where the server's programs lie: Debian keeps those of each version apart.
fn programs() -> Option<PathBuf> {
    let has_all = |folder: &Path| ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file());
    let mut versions: Vec<_> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|one| one.path().join("bin")).collect();
    versions.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = versions.into_iter().rev().chain(env::split_paths(&path));
    folders.into_iter().find(|folder| has_all(folder))
}
