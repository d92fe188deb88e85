internal import CodexCore
internal import Dispatch

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A pipe between LMDB, which writes a copy of the data file, and the file of the copy.
///
/// LMDB waits while the pipe is full, so few bytes are on their way. Between two parts, the other
/// end pauses (``BackupPacer``), and each part waits until the one before it was written out. So
/// the flushes of other files never wait for much of the copy.
final class BackupPipe: Sendable {
    private let input: File
    private let output: Int32
    private let pacer: BackupPacer
    private let failure = Locked<CodexError?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// The bytes of a part.
    static let partByteCount = 256 << 10

    /// Makes the pipe.
    private init(_ pacer: BackupPacer) throws(CodexError) {
        var ends: [Int32] = [-1, -1]
        let status = unsafe ends.withUnsafeMutableBufferPointer { buffer in
            unsafe makePipe(buffer.baseAddress)
        }
        guard status == 0 else { throw .system("pipe", errno) }
        // A forked child must not keep an end: the reader would wait for the child's end, too.
        for end in ends { InheritedDescriptors.add(end) }
        input = File(ends[0])
        output = ends[1]
        self.pacer = pacer
    }

    /// Runs `write` with the end of a pipe, whose bytes go to a file.
    ///
    /// - Parameters:
    ///   - file: The file, which is empty.
    ///   - pacer: Keeps the pace.
    ///   - write: Writes to the descriptor. Once the file cannot be written, it gets `EPIPE` on
    ///     Linux, and its bytes are dropped on other systems.
    /// - Throws: ``CodexError/Code/cancelled``, the errors of the file, and those of `write`.
    static func copy(
        to file: File, _ pacer: BackupPacer, _ write: (Int32) throws(CodexError) -> Void
    ) throws(CodexError) {
        let pipe = try BackupPipe(pacer)
        WorkerPool.run { pipe.fill(file) }
        var refusal: CodexError?
        do throws(CodexError) {
            try pipe.withoutSignals { () throws(CodexError) in try write(pipe.output) }
        } catch {
            refusal = error
        }
        InheritedDescriptors.remove(pipe.output)
        _ = close(pipe.output)
        pipe.ended.wait()
        // The reader's error is the cause of the writer's.
        if let failure = pipe.failure.withLock({ $0 }) { throw failure }
        if let refusal { throw refusal }
    }

    /// Writes the pipe's bytes to the file, part by part.
    private func fill(_ file: File) {
        do throws(CodexError) {
            try move(to: file)
        } catch {
            failure.withLock { $0 = error }
            #if !os(Linux)
                drain()
            #endif
        }
        InheritedDescriptors.remove(input.rawDescriptor)
        input.close()
        ended.signal()
    }

    private func move(to file: File) throws(CodexError) {
        var earlier = 0..<0
        var writesOut = true
        while true {
            let bytes = try part()
            if bytes.isEmpty { return }
            let range = earlier.upperBound..<earlier.upperBound + bytes.count
            try file.write(bytes, at: range.lowerBound)
            if writesOut {
                writesOut = try file.writeOut(range, after: earlier)
                file.dropCache(earlier)
            }
            earlier = range
            if bytes.count < Self.partByteCount { return try pacer.requireNotCancelled() }
            try pacer.pause(after: bytes.count)
        }
    }

    #if !os(Linux)
        /// Takes the rest of the copy, and drops it.
        ///
        /// After a write to a pipe without a reader, LMDB waits for `SIGPIPE`. Here the system
        /// sends it to the process, where any thread may take it.
        private func drain() {
            while let bytes = try? part(), !bytes.isEmpty {}
        }
    #endif

    /// Reads a whole part; it is shorter, or empty, only at the end.
    private func part() throws(CodexError) -> [UInt8] {
        var failure: Int32?
        let count = Self.partByteCount
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = unsafe read(
                    input.rawDescriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                done += got
            }
        }
        if let failure { throw .system("read", failure) }
        return bytes
    }

    /// Runs a body that writes to the pipe, in threads that handle no signal.
    ///
    /// LMDB's thread gets the mask of its creator. A handled signal would interrupt its write to a
    /// full pipe, which LMDB takes for a failure. `SIGPIPE` would end the process.
    private func withoutSignals(_ body: () throws(CodexError) -> Void) throws(CodexError) {
        var blocked = sigset_t()
        var present = sigset_t()
        _ = unsafe sigfillset(&blocked)
        // The system sends these to the thread that causes them.
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] {
            _ = unsafe sigdelset(&blocked, signal)
        }
        _ = unsafe pthread_sigmask(SIG_SETMASK, &blocked, &present)
        defer {
            if unsafe sigismember(&present, SIGPIPE) == 0 { Self.takeBrokenPipe() }
            _ = unsafe pthread_sigmask(SIG_SETMASK, &present, nil)
        }
        try body()
    }

    /// Takes the signal of a pipe without a reader from the calling thread, if it waits there.
    ///
    /// It would end the process as soon as the thread handles signals again.
    private static func takeBrokenPipe() {
        #if os(Linux)
            var taken = sigset_t()
            var atOnce = timespec()
            _ = unsafe sigemptyset(&taken)
            _ = unsafe sigaddset(&taken, SIGPIPE)
            _ = unsafe sigtimedwait(&taken, nil, &atOnce)
        #endif
    }
}

/// Makes a pipe whose ends are closed in programs that the process starts.
@unsafe
private func makePipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
    #if os(Linux)
        return unsafe systemPipe(ends, O_CLOEXEC)
    #else
        guard let ends = unsafe ends, unsafe pipe(ends) == 0 else { return -1 }
        for place in 0..<2 { _ = fcntl(unsafe ends[place], F_SETFD, FD_CLOEXEC) }
        return 0
    #endif
}

#if os(Linux)
    /// The C library declares this call only for C programs that request its extensions.
    @_silgen_name("pipe2")
    private func systemPipe(_ ends: UnsafeMutablePointer<Int32>?, _ flags: Int32) -> Int32
#endif
