internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The calls for finding and checking a store's directory.
enum FileSystem {
    /// Identifies a directory independently of the spelling of its path.
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
    struct Instant: Hashable, Sendable {
        let seconds: Int
        let nanoseconds: Int

        init(seconds: Int, nanoseconds: Int) {
            (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
        }

        /// The time of the last change of a file's contents; a directory's contents are its
        /// entries.
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

    /// The kind of the entry at `path`, or `nil`.
    static func kind(_ path: String) throws(CodexError) -> Kind? {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("stat", errno, path: path)
        }
        return info.st_mode & S_IFMT == S_IFDIR ? .directory : .other
    }

    static func identity(_ path: String) throws(CodexError) -> Identity {
        guard let identity = try identityIfPresent(path) else {
            throw .system("stat", ENOENT, path: path)
        }
        return identity
    }

    /// The identity of the file or directory at `path`, or `nil`.
    static func identityIfPresent(_ path: String) throws(CodexError) -> Identity? {
        var info = stat()
        // Passing the string itself would copy it at each commit.
        guard unsafe path.withCString({ unsafe stat($0, &info) }) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system("stat", errno, path: path)
        }
        return Identity(info)
    }

    /// The identity of a descriptor's file; `path` is for errors.
    static func identity(
        of descriptor: Int32, path: String? = nil
    ) throws(CodexError) -> Identity {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw .system("fstat", errno, path: path)
        }
        return Identity(info)
    }

    /// Reads up to `count` bytes of a descriptor's file; fewer only at the file's end.
    static func read(
        _ descriptor: Int32, at offset: Int, count: Int, path: String? = nil
    ) throws(CodexError) -> [UInt8] {
        var failure: CodexError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done,
                    off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = .system("pread", errno, path: path) }
                if got <= 0 { break }
                done += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all bytes to a descriptor's file; the system may take them in several parts.
    static func write(
        _ bytes: [UInt8], to descriptor: Int32, at offset: Int, path: String? = nil
    ) throws(CodexError) {
        var done = 0
        while done < bytes.count {
            let put = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                    off_t(offset + done))
            }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else {
                throw .system("pwrite", put < 0 ? errno : EIO, path: path)
            }
            done += put
        }
    }

    /// The absolute path without symbolic links, or `nil` if there is nothing.
    static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    // A path is read by its bytes, as the system reads it. A name may begin with a combining mark,
    // which is one character with the slash before it.

    /// The directory of a path's last name.
    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(Substring(path.utf8[..<slash]))
    }

    /// The last name of a path.
    static func lastComponent(of path: String) -> String {
        let names = path.utf8.split(separator: UInt8(ascii: "/"))
        return names.last.map { String(Substring($0)) } ?? path
    }

    /// Whether a path does not depend on the working directory.
    static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

    #if canImport(Darwin)
        @unsafe typealias DirectoryStream = UnsafeMutablePointer<DIR>
    #else
        @unsafe typealias DirectoryStream = OpaquePointer
    #endif

    /// The names in a directory stream, without `.` and `..`.
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

    static var processID: Int32 { getpid() }

    /// Whether no process of the namespace has this ID.
    static func isGone(_ process: Int32) -> Bool { kill(process, 0) != 0 && errno == ESRCH }

    /// The identity of the process's PID namespace; empty on systems without namespaces.
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
