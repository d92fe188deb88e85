internal import CodexCore

extension FileAccess {
    /// Gives the directory of a store or an archive, its folder `log` and its own files in both
    /// their modes, as far as they belong to the process's user.
    ///
    /// Only a process of the directory's owner does it, before liblmdb opens its lock file: closing
    /// any descriptor of that lets go of liblmdb's locks. What fails is left as it is.
    ///
    /// - Parameters:
    ///   - directory: The directory.
    ///   - wanted: Who may use the directory from now on; `nil` is what its mode says.
    ///   - isOwnName: Whether a name in it is of a file of the store or the archive. Other files
    ///     are left alone.
    /// - Complexity: A system call for each file.
    static func settle(
        _ directory: Directory, _ wanted: FileAccess?, _ isOwnName: (String) -> Bool
    ) {
        guard directory.isOwn else { return }
        let settled = directory.modes(for: wanted ?? directory.access)
        let log = try? Directory(LogDirectory.name, in: directory)
        // Files that are made meanwhile get what their directory says.
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
