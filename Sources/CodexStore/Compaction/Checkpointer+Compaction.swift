internal import CodexCore
internal import Dispatch

/// The checkpointer's part of a compaction; it runs on the writer's thread.
extension Checkpointer {
    /// Makes a checkpoint of the present state, and waits for all running checkpoints.
    ///
    /// No other can begin meanwhile, because only the writer pins a state for a checkpoint.
    func checkpointAndWait() throws(CodexError) {
        try checkpointNow()
        while true {
            let endCount = state.withLock { state -> Int? in
                state.openCount > 0 ? state.endCount : nil
            }
            guard let endCount else { return }
            while state.withLock({ $0.endCount == endCount }) { progress.wait() }
        }
    }

    /// Releases the pin and the data file, so that the environment can be closed.
    func detach() {
        state.withLock { state in
            state.pin?.release()
            state.pin = nil
        }
        writeback.pause()
        dataFile.withLock { $0.file.close() }
    }

    /// Takes over the new data file, whose state is the published checkpoint.
    func attach(_ file: DataFile) throws(CodexError) {
        let usedByteCount = (Int(try file.newestMetaPage().lastPage) + 1) * file.pageByteCount
        let fileByteCount = try file.file.byteCount()
        dataFile.withLock { $0 = file }
        writeback.resume()
        state.withLock { state in
            (state.usedByteCount, state.fileByteCount) = (usedByteCount, fileByteCount)
            (state.newPageCount, state.oldPageCount) = (0, 0)
            state.isShort = false
        }
    }
}
