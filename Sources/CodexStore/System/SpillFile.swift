internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file without a name, written once and read once: a sorted run of a sort.
@safe
final class SpillFile {
    private let file: UnsafeMutablePointer<FILE>
    /// The path that the file had when it was made, for errors.
    private let path: String
    /// The number of byte strings that were written and not read yet.
    private var count = 0

    /// Makes the file in `directory`, which is on the device of the store.
    init(in directory: Directory) throws(CodexError) {
        let name = "spill-\(FileSystem.processID)-\(UInt64.random(in: .min ... .max))"
        let descriptor = directory.openFile(name, O_RDWR | O_CREAT | O_EXCL, permissions: 0o600)
        let refusal = errno
        path = directory.path(of: name)
        guard descriptor >= 0 else { throw .system("openat", refusal, path: path) }
        directory.remove(name)
        guard let file = unsafe fdopen(descriptor, "w+b") else {
            let refusal = errno
            close(descriptor)
            throw .system("fdopen", refusal, path: path)
        }
        unsafe self.file = file
    }

    deinit { unsafe fclose(file) }

    /// Appends bytes and their count.
    func write(_ bytes: [UInt8]) throws(CodexError) {
        var count = UInt32(bytes.count)
        guard unsafe fwrite(&count, 4, 1, file) == 1,
            unsafe bytes.withUnsafeBytes({ buffer in
                unsafe fwrite(buffer.baseAddress, 1, buffer.count, file)
            }) == bytes.count
        else { throw .system("fwrite", errno, path: path) }
        self.count += 1
    }

    /// Returns to the beginning, for reading.
    func rewind() throws(CodexError) {
        guard unsafe fseek(file, 0, SEEK_SET) == 0 else {
            throw .system("fseek", errno, path: path)
        }
    }

    /// The next bytes; `nil` at the end.
    func read() throws(CodexError) -> [UInt8]? {
        guard self.count > 0 else { return nil }
        self.count -= 1
        var count: UInt32 = 0
        guard unsafe fread(&count, 4, 1, file) == 1 else { throw failedRead() }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let got = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe fread(buffer.baseAddress, 1, buffer.count, file)
        }
        guard got == bytes.count else { throw failedRead() }
        return bytes
    }

    /// At the file's end, `errno` has the number of an earlier error.
    private func failedRead() -> CodexError {
        .system("fread", unsafe ferror(file) != 0 ? errno : EIO, path: path)
    }
}
