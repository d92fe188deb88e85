public import Foundation

/// The lines that another process prints.
public final class LinePipe {
    private let pipe: Pipe
    private var rest: [UInt8] = []
    private var lines: ArraySlice<String> = []
    /// Whether the process, and all that have its output from it, is gone.
    private var isAtEnd = false

    private var descriptor: Int32 { pipe.fileHandleForReading.fileDescriptor }

    /// Reads what comes out of a pipe.
    public init(_ pipe: Pipe) {
        self.pipe = pipe
        _ = fcntl(pipe.fileHandleForReading.fileDescriptor, F_SETFL, O_NONBLOCK)
    }

    /// The next line; `nil` if none comes in time, or the output is at its end.
    public func next(within timeout: Duration) -> String? {
        let deadline = ContinuousClock.now + timeout
        while true {
            take()
            if let line = lines.popFirst() { return line }
            guard !isAtEnd, ContinuousClock.now < deadline else { return nil }
            waitForMore()
        }
    }

    /// The lines that are there by now.
    public func available() -> [String] {
        take()
        defer { lines = [] }
        return Array(lines)
    }

    private func take() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !isAtEnd {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return }
            isAtEnd = count == 0
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
    }

    /// Waits for a moment, or less if the process prints something.
    private func waitForMore() {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&waiting, 1, 100)
    }
}
