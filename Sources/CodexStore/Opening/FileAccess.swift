/// The users, apart from an administrator, who may use the files of a store, its backups and
/// archives.
///
/// Files and directories get their modes when they are made, independently of the umask. The mode
/// of a store's directory determines who may use it. Files that any process makes in it later get
/// the same access.
///
/// Opening a store for writing sets the modes of the files that belong to the process's user. Files
/// of earlier releases, which followed the umask, become ``owner``. Only a process of the
/// directory's owner does so. For another user, a store is not changed, and it opens if its modes
/// permit that.
public struct FileAccess: Sendable, Hashable {
    enum Kind: Hashable { case owner, group }
    let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The directory's owner: files have the mode 0600, directories 0700.
    public static let owner = FileAccess(.owner)
    /// The directory's owner and group: files have the mode 0660, directories 2770.
    ///
    /// All users of the group may open the store, write and recover it, in turn or at once. The
    /// owner must be a member of the group. Otherwise the system clears the set-group-ID bit, which
    /// passes the group on.
    public static let group = FileAccess(.group)

    /// Reads the access from the mode of a directory.
    ///
    /// Without the set-group-ID bit, a directory is not shared: an umask of 002 gives the group the
    /// same rights.
    init(ofDirectoryWith mode: UInt32) {
        self.init(mode & 0o2070 == 0o2070 ? .group : .owner)
    }
}
