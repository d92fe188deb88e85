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
/// Files are opened, renamed, removed and flushed relative to the descriptor. A process that
/// changes its working directory, or somebody who renames the directory, does not redirect them.
///
/// The calls may be made by any thread (POSIX). The descriptor is closed with the value.
final class Directory: Sendable {
    /// The absolute path at the time of opening, without symbolic links.
    let path: String
    /// Which directory it is, whatever its path.
    let identity: FileSystem.Identity
    fileprivate let descriptor: Int32

    /// Opens the directory `path`.
    init(_ path: String) throws(CodexError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", errno) }
        do throws(CodexError) {
            identity = try FileSystem.identity(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = FileSystem.resolved(path) ?? path
    }

    /// Opens the directory `name` of `parent`; one that a symbolic link leads to is refused.
    init(_ name: String, in parent: Directory) throws(CodexError) {
        descriptor = unsafe openat(
            parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            // Linux says of a link that it is no directory.
            let isLink = code == ENOTDIR && parent.isLink(name)
            throw .system("openat", isLink ? ELOOP : code)
        }
        do throws(CodexError) {
            identity = try FileSystem.identity(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        path = parent.path + "/" + name
    }

    deinit { close(descriptor) }

    // MARK: What is in it

    /// What is under `name` itself: of a symbolic link, the link.
    private func status(_ name: String) throws(CodexError) -> stat? {
        var info = stat()
        guard unsafe fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("fstatat", errno)
        }
        return info
    }

    private func isLink(_ name: String) -> Bool {
        guard let info = try? status(name) else { return false }
        return info.st_mode & S_IFMT == S_IFLNK
    }

    /// What is under `name`, or `nil`.
    func kind(_ name: String) throws(CodexError) -> FileSystem.Kind? {
        try status(name).map { $0.st_mode & S_IFMT == S_IFDIR ? .directory : .other }
    }

    func contains(_ name: String) throws(CodexError) -> Bool { try status(name) != nil }

    /// Which file is under `name`, or `nil`.
    func identity(_ name: String) throws(CodexError) -> FileSystem.Identity? {
        try status(name).map { FileSystem.Identity($0) }
    }

    /// The length of the file `name`.
    func byteCount(_ name: String) throws(CodexError) -> Int {
        guard let info = try status(name) else { throw .system("fstatat", ENOENT) }
        return Int(info.st_size)
    }

    /// The names in it, without `.` and `..`.
    func entries() throws(CodexError) -> [String] {
        // A descriptor of its own: reading moves the position of the open directory.
        let own = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw .system("openat", errno) }
        guard let stream = unsafe fdopendir(own) else {
            close(own)
            throw .system("fdopendir", errno)
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

    /// Opens a file of it; the caller closes the descriptor.
    ///
    /// What a symbolic link leads to is never opened: `errno` is `ELOOP`. Nor does it wait for the
    /// other end of a pipe. `permissions` are the mode of a file that is made, whatever the umask;
    /// `nil` is what ``modes`` say.
    func openFile(_ name: String, _ flags: Int32, permissions: UInt32? = nil) -> Int32 {
        FileMaking(self).openFile(name, flags, permissions: permissions)
    }

    /// Makes an empty directory in it, with `modes`; `nil` means its own ``modes``.
    func makeDirectory(_ name: String, _ modes: CreationModes? = nil) throws(CodexError) {
        let modes = modes ?? self.modes
        guard unsafe mkdirat(descriptor, name, mode_t(modes.directory)) == 0 else {
            throw .system("mkdirat", errno)
        }
        let made = FileMaking(self).openMadeDirectory(name)
        guard made >= 0 else { throw .system("openat", errno) }
        modes.apply(modes.directory, to: made)
        close(made)
    }

    /// Gives the file `name` another name, in place of any other file of that name.
    func rename(_ name: String, to target: String) throws(CodexError) {
        guard unsafe renameat(descriptor, name, descriptor, target) == 0 else {
            throw .system("renameat", errno)
        }
    }

    /// Exchanges two files, as one step; `false` where the system cannot.
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
        throw .system("renameat", errno)
    }

    /// Removes the empty directory `name`; errors are ignored, since it is cleaning up.
    func removeDirectory(_ name: String) { _ = unsafe unlinkat(descriptor, name, AT_REMOVEDIR) }

    /// Removes the plain files in it; errors are ignored, since it is cleaning up.
    func removeFiles() {
        for name in (try? entries()) ?? [] { remove(name) }
    }

    /// Locks the directory for this value, as long as it lives; `false` if another value has it
    /// locked.
    func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    /// Its name in its parent, when it was opened.
    var name: String { FileSystem.lastComponent(of: path) }

    /// Removes the file `name`; that it is not there is no error.
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

    /// Waits until the names in it are on stable storage; LMDB never does.
    func flush() throws(CodexError) {
        guard fsync(descriptor) == 0 else { throw .system("fsync", errno) }
    }

    // MARK: Who may use it

    private var ownStatus: stat {
        var info = stat()
        // Of an open descriptor that does not fail.
        _ = unsafe fstat(descriptor, &info)
        return info
    }

    /// Who may use it, by its mode.
    var access: FileAccess { FileAccess(ofDirectoryWith: UInt32(ownStatus.st_mode)) }

    /// What files and directories get that are made in it.
    var modes: CreationModes { CreationModes(in: ownStatus) }

    /// What a directory gets that has a copy of what is in it, at another place.
    var modesOfCopies: CreationModes { modes(for: access) }

    /// What it would have by an access.
    func modes(for access: FileAccess) -> CreationModes {
        CreationModes(access, group: ownStatus.st_gid)
    }

    /// Whether it belongs to the process's user.
    var isOwn: Bool { ownStatus.st_uid == geteuid() }

    /// Gives the directory itself the modes.
    func applyModes(_ modes: CreationModes) {
        guard modes.differs(ownStatus, modes.directory) else { return }
        modes.apply(modes.directory, to: descriptor)
    }

    /// Gives a file of it the modes, if the file belongs to the process's user.
    func applyModes(_ name: String, _ modes: CreationModes) {
        var info = stat()
        guard unsafe fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, modes.isDue(info)
        else { return }
        let file = openFile(name, O_RDONLY)
        guard file >= 0 else { return }
        defer { close(file) }
        // Another file may have its name by now.
        guard unsafe fstat(file, &info) == 0, modes.isDue(info) else { return }
        modes.apply(modes.file, to: file)
    }

    // MARK: Where it is

    /// A path that leads here, wherever the directory was moved; for liblmdb, which opens by path.
    ///
    /// On Linux it goes by way of the descriptor. Where `/proc` is missing it is ``path``, and the
    /// caller compares what was opened.
    var accessPath: String {
        #if os(Linux)
            let link = "/proc/self/fd/\(descriptor)"
            if (try? FileSystem.identity(link)) == identity { return link }
        #endif
        return path
    }

    /// Which directory ``path`` names by now, or `nil`.
    func identityAtPath() throws(CodexError) -> FileSystem.Identity? {
        try FileSystem.identityIfPresent(path)
    }

    /// When the file `name` last changed, or `nil`.
    func modified(_ name: String) throws(CodexError) -> FileSystem.Instant? {
        try status(name).map { FileSystem.Instant($0) }
    }

    /// When an entry of it was last added, renamed or removed.
    func modified() throws(CodexError) -> FileSystem.Instant {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { throw .system("fstat", errno) }
        return FileSystem.Instant(info)
    }

    /// The device that it is on.
    var device: Device { Device(self) }
}

/// How files are made in a directory: under a name only once they have their modes.
struct FileMaking {
    private let directory: Directory
    private var descriptor: Int32 { directory.descriptor }

    init(_ directory: Directory) { self.directory = directory }

    /// Opens a file, as ``Directory/openFile(_:_:permissions:)`` describes.
    func openFile(_ name: String, _ flags: Int32, permissions: UInt32?) -> Int32 {
        let flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        if flags & O_EXCL != 0 { return createFile(name, flags, permissions) }
        // It may come or go between two calls.
        for _ in 0..<Self.attemptCountMax {
            let present = unsafe openat(descriptor, name, flags & ~O_CREAT)
            if present >= 0 || errno != ENOENT || flags & O_CREAT == 0 { return present }
            let made = makeWholeFile(name, flags, permissions)
            // A process that sweeps may have taken it for a leftover.
            if made >= 0 || errno != EEXIST && errno != ENOENT { return made }
        }
        return -1
    }

    private static let attemptCountMax = 8

    /// Makes a file under another name, and gives it its name once it has its mode.
    ///
    /// Else a process that is killed in between would leave one that others of its group, and
    /// with some umasks itself, could not open.
    ///
    /// - Returns: Its descriptor; -1 with `EEXIST` if there is one by now.
    private func makeWholeFile(_ name: String, _ flags: Int32, _ permissions: UInt32?) -> Int32 {
        let temporary = Self.temporaryName(for: name)
        let made = createFile(temporary, flags, permissions)
        guard made >= 0 else { return made }
        let isNamed = unsafe linkat(descriptor, temporary, descriptor, name, 0) == 0
        let refusal = errno
        directory.remove(temporary)
        if isNamed { return made }
        close(made)
        // Some file systems give no file two names.
        if [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS].contains(refusal) {
            return createFile(name, flags, permissions)
        }
        errno = refusal
        return -1
    }

    /// Makes a file that is not there, and gives it its mode.
    private func createFile(_ name: String, _ flags: Int32, _ permissions: UInt32?) -> Int32 {
        let modes = directory.modes
        let mode = permissions ?? modes.file
        let made = unsafe openat(descriptor, name, flags | O_CREAT | O_EXCL, mode_t(mode))
        if made >= 0 { modes.apply(mode, to: made) }
        return made
    }

    /// A name under which a file is made that is to have another; it has the process's number.
    static func temporaryName(for name: String) -> String {
        "\(name).\(FileSystem.processID)-\(UInt32.random(in: .min ... .max)).new"
    }

    /// Makes an empty file, in place of any other of the name; the caller closes the descriptor.
    func makeFile(_ name: String, permissions: UInt32? = nil) -> Int32 {
        for _ in 0..<Self.attemptCountMax {
            directory.remove(name)
            let made = openFile(name, O_RDWR | O_CREAT | O_EXCL, permissions: permissions)
            if made >= 0 || errno != EEXIST { return made }
        }
        return -1
    }

    /// Opens a directory that was just made; -1 with `errno` if that fails.
    func openMadeDirectory(_ name: String) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let made = unsafe openat(descriptor, name, flags)
        guard made < 0, errno == EACCES else { return made }
        // The umask took its owner's rights away.
        _ = unsafe fchmodat(descriptor, name, 0o700, 0)
        return unsafe openat(descriptor, name, flags)
    }
}

/// The device that a directory is on.
struct Device {
    private let directory: Directory

    fileprivate init(_ directory: Directory) { self.directory = directory }

    /// The bytes of the device that this process may still use.
    func freeByteCount() throws(CodexError) -> Int {
        var info = statvfs()
        guard unsafe fstatvfs(directory.descriptor, &info) == 0 else {
            throw .system("fstatvfs", errno)
        }
        // ext4 keeps some blocks from all users, which count as free.
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
    /// glibc has it since 2.28, and declares it only for programs in C that ask for GNU's
    /// extensions.
    @_silgen_name("renameat2")
    private func systemRename(
        _ directory: Int32, _ name: UnsafePointer<CChar>, _ otherDirectory: Int32,
        _ other: UnsafePointer<CChar>, _ flags: UInt32
    ) -> Int32
#endif
