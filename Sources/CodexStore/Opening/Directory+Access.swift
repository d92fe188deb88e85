internal import CodexCore

extension Directory {
    /// Gives the directory of a store or an archive, its folder `log` and its own files in both
    /// their modes, as far as they belong to the process's user.
    ///
    /// Only a process of the directory's owner does it, before liblmdb opens its lock file: closing
    /// any descriptor of that lets go of liblmdb's locks. What fails is left as it is.
    ///
    /// - Parameters:
    ///   - wanted: Who may use the directory from now on; `nil` is what its mode says.
    ///   - isOwnName: Whether a name in it is of a file of the store or the archive. Other files
    ///     are left alone.
    /// - Complexity: A system call for each file.
    func settleAccess(_ wanted: FileAccess? = nil, _ isOwnName: (String) -> Bool) {
        guard isOwn else { return }
        let settled = modes(for: wanted ?? access)
        let log = try? Directory(LogDirectory.name, in: self)
        // Files that are made meanwhile get what their directory says.
        settle(settled)
        log?.settle(settled)
        settleFiles(settled, isOwnName)
        log?.settleFiles(settled, LogDirectory.isOwnName)
    }

    private func settleFiles(_ modes: CreationModes, _ isOwnName: (String) -> Bool) {
        for name in (try? entries()) ?? [] where isOwnName(name) { settle(name, modes) }
    }
}
