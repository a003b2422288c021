use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_memory::{Fault, Memory, RemoteAddress};
use exuvia_tracee::Patch;
use serde_json::Value;

/// A memory that has every address, and zeros where nothing was written.
#[derive(Debug, Default)]
pub(super) struct FakeMemory(Mutex<BTreeMap<u64, u8>>);

impl FakeMemory {
    pub(super) fn write(&self, address: u64, bytes: &[u8]) {
        let mut memory = self.0.lock().unwrap();
        memory.extend((address..).zip(bytes.iter().copied()));
    }

    pub(super) fn word(&self, address: u64) -> u32 {
        let mut word = [0; 4];
        self.read_exact(address.into(), &mut word).unwrap();
        u32::from_le_bytes(word)
    }

    /// What is not zero.
    pub(super) fn contents(&self) -> BTreeMap<u64, u8> {
        let memory = self.0.lock().unwrap();
        let written = memory.iter().filter(|(_, byte)| **byte != 0);
        written.map(|(address, byte)| (*address, *byte)).collect()
    }

    /// Makes the changes of a patch, as a guardian does: false when something is not as expected.
    pub(super) fn apply(&self, patch: &Patch) -> bool {
        let patch = serde_json::to_value(patch).unwrap();
        for expected in patch["expected"].as_array().unwrap() {
            let bytes = bytes(&expected[1]);
            let mut found = vec![0; bytes.len()];
            self.read_exact(number(&expected[0]).into(), &mut found)
                .unwrap();
            if found != bytes {
                return false;
            }
        }
        for edit in patch["edits"].as_array().unwrap() {
            if let Some(set) = edit.get("Set") {
                self.write(number(&set["address"]), &bytes(&set["bytes"]));
            } else {
                let or = &edit["Or"];
                let address = number(&or["address"]);
                let mut word = [0; 8];
                self.read_exact(address.into(), &mut word).unwrap();
                let word = u64::from_le_bytes(word) | number(&or["bits"]);
                self.write(address, &word.to_le_bytes());
            }
        }
        true
    }
}

impl Memory for FakeMemory {
    fn read_exact(&self, address: RemoteAddress, buffer: &mut [u8]) -> Result<(), Fault> {
        let memory = self.0.lock().unwrap();
        for (address, byte) in (address.get()..).zip(buffer) {
            *byte = memory.get(&address).copied().unwrap_or(0);
        }
        Ok(())
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let bytes = value.as_array().unwrap().iter();
    bytes.map(|byte| number(byte) as u8).collect()
}
