mod common;
use common::Target;
use exuvia_memory::*;
use std::time::Instant;
#[test]
fn bench() {
    let size: usize = 1 << 30;
    let mut target = Target::start(&format!("data = [b'x' * 1000 for _ in range({size} // 1100)]\nimport mmap\narea = mmap.mmap(-1, {size}, flags=mmap.MAP_ANONYMOUS | mmap.MAP_PRIVATE)\nbase = ctypes.addressof(ctypes.c_char.from_buffer(area))\nfor i in range(0, {size}, 4096): area[i] = 1"));
    let base: u64 = target.eval("base").parse().unwrap();
    for _ in 0..5 {
        let t = Instant::now();
        target.eval("(lambda p: (os._exit(0) if p == 0 else os.waitpid(p, 0)))(os.fork())");
        println!("os.fork+exit+wait {:?}", t.elapsed());
    }
    println!("{}", target.eval("[(t:=time.perf_counter(), p:=os.fork(), os._exit(0) if p==0 else time.perf_counter()-t, os.waitpid(p,0)) [2] for _ in range(5)]"));
    for _ in 0..5 {
        let t = Instant::now();
        let process = target.process();
        let t1 = t.elapsed();
        let mut frozen = exuvia_tracee::Frozen::freeze(&process, common::DEADLINE).unwrap();
        let t2 = t.elapsed();
        let clone = frozen.fork().unwrap();
        let t3 = t.elapsed();
        let still = frozen.release();
        let t4 = t.elapsed();
        let d = clone.discard().unwrap();
        println!("open {t1:?} freeze {:?} fork {:?} release {:?}; still {still:?}; discard {:?} (still {d:?})", t2 - t1, t3 - t2, t4 - t3, t.elapsed() - t4);
    }
    for chunk in [32 << 10, 64 << 10, 128 << 10, 512 << 10, 2 << 20] {
        let clone = target.clone_process();
        let memory = clone.memory().unwrap();
        let mut rates = vec![];
        for _ in 0..3 {
            let t = Instant::now();
            if chunk == BLOCK_SIZE {
                let mut b = Box::new([0; BLOCK_SIZE]);
                for i in 0..size / chunk { assert_eq!(memory.read_block(RemoteAddress::new((base + (i * chunk) as u64 + 32767) & !32767), &mut b), 255); }
            } else {
                let mut b = vec![0u8; chunk];
                for i in 0..size / chunk {
                    let l = libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: chunk };
                    let r = libc::iovec { iov_base: (base + (i * chunk) as u64) as *mut _, iov_len: chunk };
                    #[allow(unsafe_code)]
                    let n = unsafe { libc::process_vm_readv(clone.pid().0, &l, 1, &r, 1, 0) };
                    assert_eq!(n as usize, chunk);
                }
            }
            rates.push(size as f64 / t.elapsed().as_secs_f64() / 1e9);
        }
        println!("{chunk}: {rates:.2?} GB/s");
        let t = Instant::now();
        std::thread::scope(|s| for half in 0..2 { s.spawn(move || {
            let mut b = Box::new([0; BLOCK_SIZE]);
            for i in 0..size / 2 / BLOCK_SIZE - 1 { assert_eq!(memory.read_block(RemoteAddress::new((base + (half * (size / 2) + i * BLOCK_SIZE) as u64 + 32767) & !32767), &mut b), 255); }
        }); });
        println!("2 threads 32K: {:.2} GB/s", size as f64 / t.elapsed().as_secs_f64() / 1e9);
    }
}
