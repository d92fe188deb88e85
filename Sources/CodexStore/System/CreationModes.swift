#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The modes of new files and directories, which do not depend on the umask.
struct CreationModes {
    let file: UInt32
    let directory: UInt32
    /// The owner of new files; `nil` leaves it to the system.
    private let owner: UInt32?
    private let group: UInt32?

    /// The modes of new files in a directory.
    ///
    /// A file that an administrator makes is given to the directory's owner, who could not open it
    /// otherwise. In another user's directory that no group shares, the directory's own mode
    /// applies: a private file in it would exclude its owner. A directory for all users (`/tmp`) is
    /// an exception.
    init(in parent: stat) {
        let mode = UInt32(parent.st_mode)
        let isAdministrator = geteuid() == 0
        let isShared = FileAccess(ofDirectoryWith: mode) == .group
        let isForeign =
            !isShared && !isAdministrator && parent.st_uid != geteuid() && mode & 0o1000 == 0
        owner = isAdministrator ? parent.st_uid : nil
        group = isAdministrator || isShared || isForeign ? parent.st_gid : nil
        if isShared {
            (file, directory) = (0o660, 0o2770)
        } else if isForeign {
            (file, directory) = (mode & 0o666 | 0o600, mode & 0o777 | 0o700)
        } else {
            (file, directory) = (0o600, 0o700)
        }
    }

    /// The modes of a directory itself.
    ///
    /// - Parameters:
    ///   - access: The access of its users.
    ///   - group: The group that shares it, if there is one.
    init(_ access: FileAccess, group: UInt32?) {
        owner = nil
        switch access.kind {
        case .owner: (file, directory, self.group) = (0o600, 0o700, nil)
        case .group: (file, directory, self.group) = (0o660, 0o2770, group)
        }
    }

    /// Sets the mode, the owner and the group of a file or directory, as far as the process may.
    ///
    /// If the group cannot be set, the present group gets only the rights of all others.
    func apply(_ mode: UInt32, to descriptor: Int32) {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { return }
        let (newOwner, newGroup) = (owner ?? info.st_uid, group ?? info.st_gid)
        var mode = mode
        // The owner comes first: a change of owner clears the set-group-ID bit.
        if newOwner != info.st_uid || newGroup != info.st_gid {
            let isGiven = fchown(descriptor, newOwner, newGroup) == 0
            if !isGiven, newGroup != info.st_gid { mode = Self.withoutGroup(mode) }
        }
        _ = fchmod(descriptor, mode_t(mode))
    }

    /// The mode with which a group has only the rights of all others, without the set-group-ID bit.
    private static func withoutGroup(_ mode: UInt32) -> UInt32 {
        mode & ~0o2070 | (mode & 0o007) << 3
    }

    /// Whether a file of the process's user has another mode or group.
    ///
    /// A file with a second name is excluded: it may not belong to the store.
    func isDue(_ file: stat) -> Bool {
        guard file.st_mode & S_IFMT == S_IFREG, file.st_uid == geteuid(), file.st_nlink == 1 else {
            return false
        }
        return differs(file, self.file)
    }

    /// Whether a file or directory has another mode or group.
    func differs(_ info: stat, _ mode: UInt32) -> Bool {
        UInt32(info.st_mode) & 0o7777 != mode || info.st_gid != group ?? info.st_gid
    }
}
