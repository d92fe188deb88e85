internal import CodexCore

extension FileAccess {
    /// Sets the modes of the directory of a store or an archive, its folder `log`, and the files in
    /// both.
    ///
    /// It changes only those that belong to the process's user.
    ///
    /// Only a process of the directory's owner does so, before liblmdb opens its lock file: closing
    /// any descriptor of that file releases liblmdb's locks. Errors are ignored.
    ///
    /// - Parameters:
    ///   - directory: The directory.
    ///   - wanted: The users who may use the directory from now on; `nil` keeps the access of its
    ///     mode.
    ///   - isOwnName: Returns whether a name is of a file of the store or the archive. Other files
    ///     are not changed.
    /// - Complexity: A system call for each file.
    static func settle(
        _ directory: Directory, _ wanted: FileAccess?, _ isOwnName: (String) -> Bool
    ) {
        guard directory.isOwn else { return }
        let settled = directory.modes(for: wanted ?? directory.access)
        let log = try? Directory(LogDirectory.name, in: directory)
        // Files that are made meanwhile get the access of their directory.
        directory.applyModes(settled)
        log?.applyModes(settled)
        settleFiles(directory, settled, isOwnName)
        if let log { settleFiles(log, settled, LogDirectory.isOwnName) }
    }

    private static func settleFiles(
        _ directory: Directory, _ modes: CreationModes, _ isOwnName: (String) -> Bool
    ) {
        for name in (try? directory.entries()) ?? [] where isOwnName(name) {
            directory.applyModes(name, modes)
        }
    }
}
