/// Who may use the files of a store, of its backups and of its archives, besides an administrator.
///
/// Files and directories get their modes when they are made, whatever the umask. A store's
/// directory says by its own mode who may use it: what is made in it later gets the same access, by
/// any process.
///
/// Opening a store for writing settles the modes of the files that belong to the process's user:
/// those of earlier releases, which went by the umask, become ``owner``. Only the process of the
/// directory's owner does so. For another user a store stays as it is, and opens if its modes
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
    /// owner must be a member of the group, or the system withholds the bit that passes the group
    /// on.
    public static let group = FileAccess(.group)

    /// The access that the mode of a directory says.
    ///
    /// Without the bit that passes the group on, a directory is no shared one: an umask of 002
    /// gives the group as much.
    init(ofDirectoryWith mode: UInt32) {
        self.init(mode & 0o2070 == 0o2070 ? .group : .owner)
    }
}
