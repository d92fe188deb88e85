import CodexCore
import CodexflowCZlib
import Foundation

/// A file, or standard input: it decompresses gzip, and passes other data unchanged.
///
/// Gzip data is one or more members (RFC 1952, 2.2). Zeros may follow each member, since tapes and
/// disks fill blocks with them. Other data after a member is an error, as is a damaged member.
/// zlib's reader of files (`gzread`) leaves out such data silently, and is not used.
final class GzipReader {
    /// What the next bytes belong to.
    private enum Part {
        /// The beginning, which shows whether the data is gzip.
        case start
        /// Data that is not gzip.
        case plain
        /// A member.
        case member
        /// The place after a member.
        case gap
    }

    /// The first byte of each member.
    private static let memberStart: UInt8 = 0x1F

    private let name: String
    private let descriptor: Int32
    private let inflater: GzipInflater
    private var part = Part.start
    private var input = [UInt8](repeating: 0, count: 1 << 17)
    /// The bytes of `input` that were not used yet.
    private var rest = 0..<0
    private var chunk = [UInt8](repeating: 0, count: 1 << 18)
    /// Whether the last step filled the chunk, so that zlib may have more without more input.
    private var hasMore = false

    /// Opens a file; `-` is standard input.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexError/Code/outOfMemory``.
    init(_ path: String) throws(CodexError) {
        let name = path == "-" ? "standard input" : path
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CodexError(
                .notFound,
                "Cannot read \(path): \(String(cString: strerror(errno))). Name another file.")
        }
        guard let inflater = GzipInflater() else {
            close(descriptor)
            throw CodexError(.outOfMemory, "There is no memory left to read \(name).")
        }
        self.name = name
        self.descriptor = descriptor
        self.inflater = inflater
    }

    deinit { close(descriptor) }

    /// Appends the next bytes to `buffer`; `false` at the file's end.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for gzip data that is damaged, ends early, or is
    ///   followed by other data, and for an empty file whose name ends in `.gz`;
    ///   ``CodexError/Code/inputOutput``, ``CodexError/Code/outOfMemory``.
    func read(appendingTo buffer: inout [UInt8]) throws(CodexError) -> Bool {
        while true {
            switch part {
            case .start:
                part = try isGzip() ? .member : .plain
            case .plain:
                if rest.isEmpty {
                    guard try fill() else { return false }
                }
                buffer += input[rest]
                rest = 0..<0
                return true
            case .member:
                if try inflate(appendingTo: &buffer) { return true }
            case .gap:
                guard try beginsMember() else { return false }
            }
        }
    }

    /// Whether the data begins as gzip does.
    private func isGzip() throws(CodexError) -> Bool {
        while rest.count < 2 {
            guard try fill() else { break }
        }
        guard let first = input[rest].first else {
            guard !name.hasSuffix(".gz") else {
                throw CodexError(
                    .corrupted,
                    "\(name) is empty, which no gzip file is. Copy or export it again.")
            }
            return false
        }
        return first == Self.memberStart && (rest.count < 2 || input[rest.lowerBound + 1] == 0x8B)
    }

    /// Reads more input after the rest, of which there is at most one byte; `false` at the end.
    private func fill() throws(CodexError) -> Bool {
        if rest.isEmpty { rest = 0..<0 }
        let start = rest.upperBound
        let (count, cause) = input.withUnsafeMutableBytes { bytes -> (Int, Int32) in
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
            while true {
                let count = Foundation.read(descriptor, room.baseAddress, room.count)
                let cause = errno
                if count >= 0 || cause != EINTR { return (count, cause) }
            }
        }
        guard count >= 0 else {
            throw CodexError(
                .inputOutput, "Cannot read \(name): \(String(cString: strerror(cause))).")
        }
        rest = rest.lowerBound..<(start + count)
        return count > 0
    }

    /// Appends the next bytes of a member to `buffer`.
    ///
    /// - Returns: Whether there were any.
    private func inflate(appendingTo buffer: inout [UInt8]) throws(CodexError) -> Bool {
        if rest.isEmpty, !hasMore {
            guard try fill() else {
                throw CodexError(
                    .corrupted,
                    "\(name) ends early: its gzip data is cut off. Copy or export it again.")
            }
        }
        let step = inflater.step(input[rest], into: &chunk)
        rest = (rest.lowerBound + step.taken)..<rest.upperBound
        hasMore = step.made == chunk.count
        switch step.status {
        case Z_OK: break
        case Z_BUF_ERROR where rest.isEmpty: break
        case Z_STREAM_END: part = .gap
        case Z_MEM_ERROR:
            throw CodexError(.outOfMemory, "There is no memory left to read \(name).")
        default:
            throw CodexError(
                .corrupted, "\(name) is damaged: its gzip data is not sound. Copy it again.")
        }
        buffer += chunk[..<step.made]
        return step.made > 0
    }

    /// Passes over zeros, and begins the next member; `false` at the end of the data.
    private func beginsMember() throws(CodexError) -> Bool {
        while true {
            if let start = input[rest].firstIndex(where: { $0 != 0 }) {
                rest = start..<rest.upperBound
                break
            }
            rest = 0..<0
            guard try fill() else { return false }
        }
        guard input[rest.lowerBound] == Self.memberStart else {
            throw CodexError(
                .corrupted,
                "\(name) is damaged: other data follows its gzip data. Copy it again.")
        }
        inflater.reset()
        hasMore = false
        part = .member
        return true
    }
}

/// Decompresses members of gzip data, one after the other.
private final class GzipInflater {
    /// The state has a fixed address, since zlib's internal state points to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Returns `nil` if there is no memory.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Adding 16 to the window bits selects gzip's header.
        let status = inflateInit2_(
            stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Prepares for the next member.
    func reset() { inflateReset(stream) }

    /// Decompresses up to one chunk.
    ///
    /// - Returns: zlib's status, the number of bytes that it took, and of those that it made.
    func step(
        _ input: ArraySlice<UInt8>, into chunk: inout [UInt8]
    ) -> (status: Int32, taken: Int, made: Int) {
        input.withUnsafeBufferPointer { input in
            chunk.withUnsafeMutableBufferPointer { chunk in
                // zlib does not change the input.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = uInt(input.count)
                stream.pointee.next_out = chunk.baseAddress
                stream.pointee.avail_out = uInt(chunk.count)
                let status = CodexflowCZlib.inflate(stream, Z_NO_FLUSH)
                return (
                    status, input.count - Int(stream.pointee.avail_in),
                    chunk.count - Int(stream.pointee.avail_out)
                )
            }
        }
    }
}
