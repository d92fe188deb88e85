internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The few calls that making and checking a store's directory needs.
enum FileSystem {
    /// Identifies a directory however its path is spelled.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64

        init(device: UInt64, inode: UInt64) { (self.device, self.inode) = (device, inode) }

        init(_ info: stat) {
            device = UInt64(truncatingIfNeeded: info.st_dev)
            inode = UInt64(info.st_ino)
        }
    }

    /// A time of a file system.
    struct Moment: Hashable, Sendable {
        let seconds: Int
        let nanoseconds: Int

        init(seconds: Int, nanoseconds: Int) {
            (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
        }

        /// When a file's contents last changed; a directory's are its entries.
        init(_ info: stat) {
            #if canImport(Darwin)
                let time = info.st_mtimespec
            #else
                let time = info.st_mtim
            #endif
            (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
        }
    }

    enum Kind { case directory, other }

    /// What is at `path`, or `nil`.
    static func kind(_ path: String) throws(CodexError) -> Kind? {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("stat", errno)
        }
        return info.st_mode & S_IFMT == S_IFDIR ? .directory : .other
    }

    /// What tells one state of a file from another.
    struct Stamp: Hashable {
        let inode: UInt64
        let seconds: Int
        let nanoseconds: Int
        let permissions: UInt32
    }

    static func stamp(_ path: String) throws(CodexError) -> Stamp {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { throw .system("stat", errno) }
        #if canImport(Darwin)
            let changed = info.st_ctimespec
        #else
            let changed = info.st_ctim
        #endif
        return Stamp(
            inode: UInt64(info.st_ino), seconds: Int(changed.tv_sec),
            nanoseconds: Int(changed.tv_nsec), permissions: UInt32(info.st_mode) & 0o7777)
    }

    static func identity(_ path: String) throws(CodexError) -> Identity {
        guard let identity = try identityIfPresent(path) else { throw .system("stat", ENOENT) }
        return identity
    }

    /// Which file or directory is at `path`, or `nil`.
    static func identityIfPresent(_ path: String) throws(CodexError) -> Identity? {
        var info = stat()
        // Passing the string itself would make a copy of it, at each commit.
        guard unsafe path.withCString({ unsafe stat($0, &info) }) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system("stat", errno)
        }
        return Identity(info)
    }

    /// Which file a descriptor is of.
    static func identity(of descriptor: Int32) throws(CodexError) -> Identity {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { throw .system("fstat", errno) }
        return Identity(info)
    }

    /// The absolute path without symbolic links, or `nil` where there is nothing.
    static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    static func byteCount(_ path: String) throws(CodexError) -> Int {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { throw .system("stat", errno) }
        return Int(info.st_size)
    }

    /// The directory that a path is in.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last name of a path.
    static func lastComponent(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    static func makeDirectory(_ path: String) throws(CodexError) {
        guard unsafe mkdir(path, 0o755) == 0 else { throw .system("mkdir", errno) }
    }

    /// Names in a directory, without `.` and `..`.
    static func entries(_ path: String) throws(CodexError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw .system("opendir", errno) }
        defer { unsafe closedir(directory) }
        return unsafe names(directory)
    }

    #if canImport(Darwin)
        @unsafe typealias DirectoryStream = UnsafeMutablePointer<DIR>
    #else
        @unsafe typealias DirectoryStream = OpaquePointer
    #endif

    /// The names that a directory stream gives, without `.` and `..`.
    @unsafe
    static func names(_ directory: DirectoryStream) -> [String] {
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Reads up to `limit` bytes of a file.
    static func read(_ path: String, limit: Int) throws(CodexError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                Self.retrying {
                    unsafe pread(
                        descriptor, buffer.baseAddress.map { unsafe $0 + count }, limit - count,
                        off_t(count))
                }
            }
            guard got >= 0 else { throw .system("pread", errno) }
            if got == 0 { break }
            count += got
        }
        return Array(bytes.prefix(count))
    }

    /// Writes a new file and waits until it is on the device.
    static func writeDurably(
        _ bytes: [UInt8], to path: String, permissions: UInt32 = 0o644
    ) throws(CodexError) {
        let descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(permissions))
        guard descriptor >= 0 else { throw .system("open", errno) }
        defer { close(descriptor) }
        var count = 0
        while count < bytes.count {
            let put = unsafe bytes.withUnsafeBytes { buffer in
                Self.retrying {
                    unsafe write(
                        descriptor, buffer.baseAddress.map { unsafe $0 + count },
                        bytes.count - count)
                }
            }
            guard put > 0 else { throw .system("write", errno) }
            count += put
        }
        guard fsync(descriptor) == 0 else { throw .system("fsync", errno) }
    }

    /// Cuts or lengthens a file, which nobody else may be lengthening meanwhile.
    static func setByteCount(_ byteCount: Int, of path: String) throws(CodexError) {
        guard unsafe truncate(path, off_t(byteCount)) == 0 else { throw .system("truncate", errno) }
    }

    /// Makes a directory's entries durable; LMDB never does.
    static func synchronizeDirectory(_ path: String) throws(CodexError) {
        let directory = try openDirectory(path)
        defer { close(directory) }
        try synchronize(directory)
    }

    /// Opens a directory for ``synchronize(_:)``: to be done before what must not fail halfway.
    static func openDirectory(_ path: String) throws(CodexError) -> Int32 {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", errno) }
        return descriptor
    }

    static func synchronize(_ directory: Int32) throws(CodexError) {
        guard fsync(directory) == 0 else { throw .system("fsync", errno) }
    }

    static func closeDirectory(_ directory: Int32) { _ = close(directory) }

    /// Moves `source` to `target`; returns `false` if a directory that is not empty is there.
    static func rename(_ source: String, to target: String) throws(CodexError) -> Bool {
        #if canImport(Darwin)
            let status = unsafe Darwin.rename(source, target)
        #elseif canImport(Musl)
            let status = unsafe Musl.rename(source, target)
        #else
            let status = unsafe Glibc.rename(source, target)
        #endif
        if status == 0 { return true }
        if errno == ENOTEMPTY || errno == EEXIST { return false }
        throw .system("rename", errno)
    }

    /// Replaces the file `path` as a whole, durably.
    static func replaceDurably(
        _ path: String, with bytes: [UInt8], permissions: UInt32 = 0o644
    ) throws(CodexError) {
        let new = "\(path).\(processID)-\(UInt32.random(in: .min ... .max)).new"
        do throws(CodexError) {
            try writeDurably(bytes, to: new, permissions: permissions)
            _ = try rename(new, to: path)
        } catch {
            remove(new)
            throw error
        }
        try synchronizeDirectory(parent(of: path))
    }

    /// Removes a directory and the plain files in it.
    ///
    /// Errors are ignored: it is cleaning up.
    static func removeFlatDirectory(_ path: String) {
        for name in (try? entries(path)) ?? [] { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }

    /// Whether the file system of `path` has less room than a small commit needs.
    static func isFull(_ path: String) -> Bool {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0 else { return false }
        return UInt64(info.f_bavail) * UInt64(info.f_frsize) < 1 << 20
    }

    /// Calls again what a signal interrupted.
    private static func retrying(_ body: () -> Int) -> Int {
        while true {
            let result = body()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// Removes a file; that it is not there is no error.
    static func remove(_ path: String) { _ = unsafe unlink(path) }

    static var processID: Int32 { getpid() }

    /// Whether no process of the namespace has the number.
    static func isGone(_ process: Int32) -> Bool { kill(process, 0) != 0 && errno == ESRCH }

    /// What tells the process's PID namespace from others; empty where there are none.
    static var processNamespace: [UInt8] {
        #if canImport(Darwin)
            return []
        #else
            var bytes = [UInt8](repeating: 0, count: 48)
            let count = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe readlink(
                    "/proc/self/ns/pid", base.assumingMemoryBound(to: CChar.self), buffer.count)
            }
            return Array(bytes.prefix(max(0, count)))
        #endif
    }
}
