import CodexCore
import CodexflowCZlib
import Foundation

/// A file, or standard output, written through zlib, as gzip or unchanged.
final class GzipWriter {
    private let name: String
    private let descriptor: Int32
    private var file: gzFile?

    /// Opens a file, and creates it if it is missing; `-` is standard output.
    ///
    /// An existing file is written to, and never replaced: it may be a link, a pipe or a device.
    /// Only its owner may access a new file, regardless of the umask.
    ///
    /// - Throws: ``CodexError/Code/notWritable``.
    init(_ path: String, compresses: Bool) throws(CodexError) {
        name = path == "-" ? "standard output" : path
        let descriptor = path == "-" ? dup(STDOUT_FILENO) : Self.openFile(path)
        guard descriptor >= 0 else {
            throw CodexError(
                .notWritable,
                "Cannot write \(path): \(String(cString: strerror(errno))). Name another file.")
        }
        // zlib closes its descriptor; this duplicate is kept to flush the file.
        let own = dup(descriptor)
        guard own >= 0, let file = gzdopen(own, compresses ? "w" : "wT") else {
            if own >= 0 { close(own) }
            close(descriptor)
            throw CodexError(.outOfMemory, "There is no memory left to write \(name).")
        }
        gzbuffer(file, 1 << 18)
        (self.descriptor, self.file) = (descriptor, file)
    }

    private static func openFile(_ path: String) -> Int32 {
        let made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 {
            fchmod(made, 0o600)
            return made
        }
        return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    }

    deinit {
        if let file { gzclose_w(file) }
        close(descriptor)
    }

    /// Writes text, which must not be empty.
    ///
    /// - Throws: ``CodexError/Code/inputOutput``, ``CodexError/Code/diskFull``.
    func write(_ text: String) throws(CodexError) {
        var text = text
        let count = text.withUTF8 { gzwrite(file, $0.baseAddress, UInt32($0.count)) }
        if count <= 0 { throw failure(errno) }
    }

    /// Writes the remaining bytes, and waits until a plain file is on stable storage.
    ///
    /// - Throws: ``CodexError/Code/inputOutput``, ``CodexError/Code/diskFull``.
    func finish() throws(CodexError) {
        guard let file else { return }
        self.file = nil
        guard gzclose_w(file) == Z_OK else { throw failure(errno) }
        // Pipes and devices cannot be flushed.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP, errno != EROFS {
            throw failure(errno)
        }
    }

    private func failure(_ cause: Int32) -> CodexError {
        cause == ENOSPC
            ? CodexError(.diskFull, "No space is left to write \(name). Make room.")
            : CodexError(
                .inputOutput, "Cannot write \(name): \(String(cString: strerror(cause))).")
    }
}
