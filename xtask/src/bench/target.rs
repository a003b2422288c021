use super::census::{Census, Growth};
use super::environment::Environment;
use super::measured::{Row, Sample, What};
use super::service::Service;
use super::tool::Tool;
use anyhow::Result;
use std::time::{Duration, Instant};

/// How often the process forks in each round.
const FORKS: usize = 5;

/// No new round begins later than this.
pub(super) const BUDGET: Duration = Duration::from_secs(240);

/// What exuvia and `os.fork()` take in one process; also how many objects exuvia counts there.
pub(super) fn measure(
    environment: &Environment,
    tool: &Tool,
    customers: u64,
    runs: u32,
) -> Result<(u64, Vec<Row>)> {
    let mut service = Service::start(environment, customers)?;
    let pid = service.pid();
    let begun = Instant::now();
    let mut objects = 0;
    let mut heap = Samples::new(What::Heap);
    let mut paths = Samples::new(What::Paths);
    let mut dump = Samples::new(What::Dump);
    let mut forks = Samples::new(What::Fork);
    // In turns, so that what else the machine does falls on all of them.
    for run in 0..runs {
        if run > 0 && begun.elapsed() > BUDGET {
            break;
        }
        heap.take(&mut service, || {
            let (sample, count) = tool.heap(pid)?;
            objects = count;
            Ok(sample)
        })?;
        paths.take(&mut service, || tool.paths(pid))?;
        dump.take(&mut service, || tool.dump(pid))?;
        forks.samples.extend(fork(&mut service)?);
    }
    let all = [heap, paths, dump, forks];
    Ok((objects, all.iter().filter_map(Samples::row).collect()))
}

/// The samples of one command.
#[derive(Debug)]
struct Samples {
    what: What,
    samples: Vec<Sample>,
    growth: Option<Growth>,
}

impl Samples {
    fn new(what: What) -> Self {
        Self {
            what,
            samples: Vec::new(),
            growth: None,
        }
    }

    /// Runs the command once more, while the heart beats.
    fn take(
        &mut self,
        service: &mut Service,
        command: impl FnOnce() -> Result<Sample>,
    ) -> Result<()> {
        let before = Census::take(service)?;
        service.gaps()?;
        let mut sample = command()?;
        sample.gap = Some(service.gaps()?.longest);
        let growth = before.growth(&Census::take(service)?);
        // The first growth is kept, but for a later one that is not none.
        if self.growth.is_none_or(|seen| seen.is_none()) {
            self.growth = Some(growth);
        }
        eprintln!("{:?}: {:.2} s", self.what, sample.wall);
        self.samples.push(sample);
        Ok(())
    }

    fn row(&self) -> Option<Row> {
        Row::of(self.what, &self.samples, self.growth)
    }
}

fn fork(service: &mut Service) -> Result<Vec<Sample>> {
    let times: Vec<f64> = service.ask(&format!("fork {FORKS}"))?;
    let samples = times.into_iter().map(|time| Sample {
        frozen: Some(time),
        wall: time,
        ..Sample::default()
    });
    Ok(samples.collect())
}
