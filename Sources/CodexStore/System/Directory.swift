internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A directory that is held by a descriptor.
///
/// Files are opened, renamed, removed and flushed relative to the descriptor. So these calls reach
/// the same directory after a change of the working directory or a rename.
///
/// Any thread may make the calls (POSIX). The descriptor is closed with the value.
final class Directory: Sendable {
    /// The absolute path at the time of opening, without symbolic links.
    let path: String
    /// The identity of the directory, which does not depend on its path.
    let identity: FileSystem.Identity
    fileprivate let descriptor: Int32

    /// Opens the directory `path`.
    init(_ path: String) throws(CodexError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", errno, path: path) }
        do throws(CodexError) {
            identity = try FileSystem.identity(of: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = FileSystem.resolved(path) ?? path
    }

    /// Opens the directory `name` of `parent`; a symbolic link is refused.
    init(_ name: String, in parent: Directory) throws(CodexError) {
        descriptor = unsafe openat(
            parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            // For a link, Linux reports that it is no directory.
            let isLink = code == ENOTDIR && parent.isLink(name)
            throw .system("openat", isLink ? ELOOP : code, path: parent.path(of: name))
        }
        do throws(CodexError) {
            identity = try FileSystem.identity(of: descriptor, path: parent.path(of: name))
        } catch {
            close(descriptor)
            throw error
        }
        path = parent.path(of: name)
    }

    deinit { close(descriptor) }

    // MARK: Contents

    /// The status of the entry `name`; of a symbolic link, that of the link itself.
    private func status(_ name: String) throws(CodexError) -> stat? {
        var info = stat()
        guard unsafe fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("fstatat", errno, path: path(of: name))
        }
        return info
    }

    private func isLink(_ name: String) -> Bool {
        guard let info = try? status(name) else { return false }
        return info.st_mode & S_IFMT == S_IFLNK
    }

    /// The kind of the entry `name`, or `nil`.
    func kind(_ name: String) throws(CodexError) -> FileSystem.Kind? {
        try status(name).map { $0.st_mode & S_IFMT == S_IFDIR ? .directory : .other }
    }

    func contains(_ name: String) throws(CodexError) -> Bool { try status(name) != nil }

    /// The identity of the entry `name`, or `nil`.
    func identity(_ name: String) throws(CodexError) -> FileSystem.Identity? {
        try status(name).map { FileSystem.Identity($0) }
    }

    /// The length of the file `name`.
    func byteCount(_ name: String) throws(CodexError) -> Int {
        guard let info = try status(name) else {
            throw .system("fstatat", ENOENT, path: path(of: name))
        }
        return Int(info.st_size)
    }

    /// The names in the directory, without `.` and `..`.
    func entries() throws(CodexError) -> [String] {
        // A separate descriptor, because reading moves the position of the open directory.
        let own = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw .system("openat", errno, path: path) }
        guard let stream = unsafe fdopendir(own) else {
            let refusal = errno
            close(own)
            throw .system("fdopendir", refusal, path: path)
        }
        defer { unsafe closedir(stream) }
        return unsafe FileSystem.names(stream)
    }

    /// Reads up to `limit` bytes of the file `name`.
    func read(_ name: String, limit: Int) throws(CodexError) -> [UInt8] {
        let file = try File(name, in: self, .read)
        defer { file.close() }
        return try file.read(at: 0, count: limit)
    }

    // MARK: Changes

    /// Opens a file in the directory; the caller closes the descriptor.
    ///
    /// It never follows a symbolic link: `errno` is then `ELOOP`. It does not wait for the other
    /// end of a pipe. `permissions` are the exact mode of a new file, without the umask; `nil` uses
    /// ``modes``.
    func openFile(_ name: String, _ flags: Int32, permissions: UInt32? = nil) -> Int32 {
        FileMaking(self).openFile(name, flags, permissions: permissions)
    }

    /// Makes an empty directory in it, with `modes`; `nil` uses the directory's own ``modes``.
    func makeDirectory(_ name: String, _ modes: CreationModes? = nil) throws(CodexError) {
        let modes = modes ?? self.modes
        guard unsafe mkdirat(descriptor, name, mode_t(modes.directory)) == 0 else {
            throw .system("mkdirat", errno, path: path(of: name))
        }
        let made = FileMaking(self).openMadeDirectory(name)
        guard made >= 0 else { throw .system("openat", errno, path: path(of: name)) }
        modes.apply(modes.directory, to: made)
        close(made)
    }

    /// Renames the file `name`, and replaces another file of the new name.
    func rename(_ name: String, to target: String) throws(CodexError) {
        guard unsafe renameat(descriptor, name, descriptor, target) == 0 else {
            throw .system("renameat", errno, path: path(of: name))
        }
    }

    /// Exchanges two files atomically; `false` if the system does not support it.
    ///
    /// Unlike a rename it needs no room on the device.
    func exchange(_ name: String, with other: String) -> Bool {
        #if canImport(Darwin)
            return unsafe renameatx_np(descriptor, name, descriptor, other, UInt32(RENAME_SWAP))
                == 0
        #elseif canImport(Glibc)
            // RENAME_EXCHANGE of linux/fs.h.
            return unsafe systemRename(descriptor, name, descriptor, other, 2) == 0
        #else
            return false
        #endif
    }

    /// Gives the directory `name` another name; `false` if a directory that is not empty has it.
    func renameDirectory(_ name: String, to target: String) throws(CodexError) -> Bool {
        if unsafe renameat(descriptor, name, descriptor, target) == 0 { return true }
        if errno == ENOTEMPTY || errno == EEXIST { return false }
        throw .system("renameat", errno, path: path(of: name))
    }

    /// Removes the empty directory `name`; errors are ignored, because it only cleans up.
    func removeDirectory(_ name: String) { _ = unsafe unlinkat(descriptor, name, AT_REMOVEDIR) }

    /// Removes the plain files in it; errors are ignored, because it only cleans up.
    func removeFiles() {
        for name in (try? entries()) ?? [] { remove(name) }
    }

    /// Locks the directory for the lifetime of this value; `false` if another value has locked it.
    func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    /// The path of an entry at the time of opening, for errors.
    func path(of name: String) -> String { path + "/" + name }

    /// Its name in its parent at the time of opening.
    var name: String { FileSystem.lastComponent(of: path) }

    /// Removes the file `name`; a missing file is no error.
    func remove(_ name: String) { _ = unsafe unlinkat(descriptor, name, 0) }

    /// Writes a new file and waits until it is on stable storage.
    func writeDurably(
        _ bytes: [UInt8], to name: String, permissions: UInt32? = nil
    ) throws(CodexError) {
        let file = try File(name, in: self, .create, permissions: permissions)
        defer { file.close() }
        try file.write(bytes, at: 0)
        try file.flush()
    }

    /// Replaces the file `name` as a whole, durably.
    func replaceDurably(
        _ name: String, with bytes: [UInt8], permissions: UInt32? = nil
    ) throws(CodexError) {
        let new = FileMaking.temporaryName(for: name)
        do throws(CodexError) {
            try writeDurably(bytes, to: new, permissions: permissions)
            try rename(new, to: name)
        } catch {
            remove(new)
            throw error
        }
        try flush()
    }

    /// Waits until the names in it are on stable storage; LMDB never does this.
    func flush() throws(CodexError) {
        guard fsync(descriptor) == 0 else { throw .system("fsync", errno, path: path) }
    }

    // MARK: Access

    private var ownStatus: stat {
        var info = stat()
        // For an open descriptor, the call does not fail.
        _ = unsafe fstat(descriptor, &info)
        return info
    }

    /// The access of its users, by its mode.
    var access: FileAccess { FileAccess(ofDirectoryWith: UInt32(ownStatus.st_mode)) }

    /// The modes of new files and directories in it.
    var modes: CreationModes { CreationModes(in: ownStatus) }

    /// The modes of a directory that has a copy of its contents, in another place.
    var modesOfCopies: CreationModes { modes(for: access) }

    /// The modes that it would have with an access.
    func modes(for access: FileAccess) -> CreationModes {
        CreationModes(access, group: ownStatus.st_gid)
    }

    /// Whether it belongs to the process's user.
    var isOwn: Bool { ownStatus.st_uid == geteuid() }

    /// Sets the modes of the directory itself.
    func applyModes(_ modes: CreationModes) {
        guard modes.differs(ownStatus, modes.directory) else { return }
        modes.apply(modes.directory, to: descriptor)
    }

    /// Sets the modes of a file in it, if the file belongs to the process's user.
    func applyModes(_ name: String, _ modes: CreationModes) {
        var info = stat()
        guard unsafe fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, modes.isDue(info)
        else { return }
        let file = openFile(name, O_RDONLY)
        guard file >= 0 else { return }
        defer { close(file) }
        // Another file may have the name now.
        guard unsafe fstat(file, &info) == 0, modes.isDue(info) else { return }
        modes.apply(modes.file, to: file)
    }

    // MARK: Location

    /// A path to this directory even after a move; for liblmdb, which opens by path.
    ///
    /// On Linux the path uses the descriptor. Without `/proc` it is ``path``, and the caller
    /// compares the opened directory.
    var accessPath: String {
        #if os(Linux)
            let link = "/proc/self/fd/\(descriptor)"
            if (try? FileSystem.identity(link)) == identity { return link }
        #endif
        return path
    }

    /// The identity of the directory that ``path`` names now, or `nil`.
    func identityAtPath() throws(CodexError) -> FileSystem.Identity? {
        try FileSystem.identityIfPresent(path)
    }

    /// The time of the last change of the file `name`, or `nil`.
    func modified(_ name: String) throws(CodexError) -> FileSystem.Instant? {
        try status(name).map { FileSystem.Instant($0) }
    }

    /// The time when an entry of it was last added, renamed or removed.
    func modified() throws(CodexError) -> FileSystem.Instant {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw .system("fstat", errno, path: path)
        }
        return FileSystem.Instant(info)
    }

    /// The device of the directory.
    var device: Device { Device(self) }
}

/// Makes files in a directory: a file gets its name only once it has its modes.
struct FileMaking {
    private let directory: Directory
    private var descriptor: Int32 { directory.descriptor }

    init(_ directory: Directory) { self.directory = directory }

    /// Opens a file, as ``Directory/openFile(_:_:permissions:)`` describes.
    func openFile(_ name: String, _ flags: Int32, permissions: UInt32?) -> Int32 {
        let flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        if flags & O_EXCL != 0 { return createFile(name, flags, permissions) }
        // The file may appear or disappear between two calls.
        for _ in 0..<Self.attemptCountMax {
            let present = unsafe openat(descriptor, name, flags & ~O_CREAT)
            if present >= 0 || errno != ENOENT || flags & O_CREAT == 0 { return present }
            let made = makeWholeFile(name, flags, permissions)
            // Another process may have removed it as a leftover.
            if made >= 0 || errno != EEXIST && errno != ENOENT { return made }
        }
        return -1
    }

    private static let attemptCountMax = 8

    /// Makes a file under another name, and gives it its name once it has its mode.
    ///
    /// Otherwise a killed process could leave a file that its group, or with some umasks its owner,
    /// could not open.
    ///
    /// - Returns: Its descriptor; -1 with `EEXIST` if there is a file of this name now.
    private func makeWholeFile(_ name: String, _ flags: Int32, _ permissions: UInt32?) -> Int32 {
        let temporary = Self.temporaryName(for: name)
        let made = createFile(temporary, flags, permissions)
        guard made >= 0 else { return made }
        let isNamed = unsafe linkat(descriptor, temporary, descriptor, name, 0) == 0
        let refusal = errno
        directory.remove(temporary)
        if isNamed { return made }
        close(made)
        // Some file systems do not support two names for a file.
        if [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS].contains(refusal) {
            return createFile(name, flags, permissions)
        }
        errno = refusal
        return -1
    }

    /// Makes a new file, and sets its mode.
    private func createFile(_ name: String, _ flags: Int32, _ permissions: UInt32?) -> Int32 {
        let modes = directory.modes
        let mode = permissions ?? modes.file
        let made = unsafe openat(descriptor, name, flags | O_CREAT | O_EXCL, mode_t(mode))
        if made >= 0 { modes.apply(mode, to: made) }
        return made
    }

    /// A temporary name for a file that is being made; it has the process's ID.
    static func temporaryName(for name: String) -> String {
        "\(name).\(FileSystem.processID)-\(UInt32.random(in: .min ... .max)).new"
    }

    /// Makes an empty file, and replaces another one of this name; the caller closes the
    /// descriptor.
    func makeFile(_ name: String, permissions: UInt32? = nil) -> Int32 {
        for _ in 0..<Self.attemptCountMax {
            directory.remove(name)
            let made = openFile(name, O_RDWR | O_CREAT | O_EXCL, permissions: permissions)
            if made >= 0 || errno != EEXIST { return made }
        }
        return -1
    }

    /// Opens a new directory; -1 with `errno` if that fails.
    func openMadeDirectory(_ name: String) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let made = unsafe openat(descriptor, name, flags)
        guard made < 0, errno == EACCES else { return made }
        // The umask removed the owner's rights.
        _ = unsafe fchmodat(descriptor, name, 0o700, 0)
        return unsafe openat(descriptor, name, flags)
    }
}

/// The device of a directory.
struct Device {
    private let directory: Directory

    fileprivate init(_ directory: Directory) { self.directory = directory }

    /// The bytes of the device that this process may still use.
    func freeByteCount() throws(CodexError) -> Int {
        var info = statvfs()
        guard unsafe fstatvfs(directory.descriptor, &info) == 0 else {
            throw .system("fstatvfs", errno, path: directory.path)
        }
        // ext4 reserves some blocks for no user, which count as free.
        let kept = min(info.f_blocks / 50, 4096)
        let forAll = info.f_bfree - min(info.f_bfree, kept)
        let free = geteuid() == 0 ? forAll : min(info.f_bavail, forAll)
        let blocks = UInt64(free).multipliedReportingOverflow(by: UInt64(info.f_frsize))
        return blocks.overflow ? .max : Int(clamping: blocks.partialValue)
    }

    /// Whether the file system is mounted read-only.
    var isReadOnly: Bool {
        var info = statvfs()
        guard unsafe fstatvfs(directory.descriptor, &info) == 0 else { return false }
        return info.f_flag & UInt(ST_RDONLY) != 0
    }

    /// Whether the device has less room than a small commit needs.
    var isFull: Bool { (try? freeByteCount()).map { $0 < 1 << 20 } ?? false }
}

#if canImport(Glibc)
    /// glibc has this call since 2.28, and declares it only for C programs that request GNU's
    /// extensions.
    @_silgen_name("renameat2")
    private func systemRename(
        _ directory: Int32, _ name: UnsafePointer<CChar>, _ otherDirectory: Int32,
        _ other: UnsafePointer<CChar>, _ flags: UInt32
    ) -> Int32
#endif
