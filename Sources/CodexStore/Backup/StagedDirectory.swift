internal import CodexCore

/// A directory that is filled under a temporary name and moved into place as a whole.
enum StagedDirectory {
    /// Fills a new directory and gives it its name; after a failure the directory is removed.
    ///
    /// Once it has its name, other processes may use it. So it stays if the flush of that name
    /// fails.
    ///
    /// A killed process leaves a directory `….making-…`, which no process reads. The next call for
    /// the same name removes it.
    ///
    /// - Parameters:
    ///   - path: The path of the finished directory.
    ///   - modes: The group and the modes of the directory and of the files in it.
    ///   - fill: Makes the files of the directory.
    /// - Returns: The result of `fill`.
    /// - Throws: ``CodexError/Code/invalidArgument`` if there is something at the path, and the
    ///   errors of `fill`.
    static func make<R>(
        at path: String, _ modes: CreationModes,
        _ fill: (_ staging: Directory) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let path = StoreDirectory(path).path
        guard try FileSystem.kind(path) == nil else {
            throw CodexError(
                .invalidArgument, "There is something at \(path) already. Name another place.")
        }
        let parent = try Directory(FileSystem.parent(of: path))
        let name = FileSystem.lastComponent(of: path)
        let prefix = "\(name).making-"
        removeLeftovers(prefix, in: parent)
        return try make(in: parent, prefix, modes) { staging throws(CodexError) in
            let result = try fill(staging)
            try staging.flush()
            guard try parent.kind(name) == nil, try give(staging, name, in: parent) else {
                throw CodexError(
                    .invalidArgument, "There is something at \(path) now. Name another place.")
            }
            return result
        }
    }

    /// Makes a temporary directory, runs `body`, and removes the directory if `body` throws before
    /// it gives the directory another name.
    static func make<R>(
        in parent: Directory, _ prefix: String, _ modes: CreationModes,
        _ body: (_ staging: Directory) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let name = "\(prefix)\(FileSystem.processID)-\(UInt32.random(in: .min ... .max))"
        try parent.makeDirectory(name, modes)
        let staging = try Directory(name, in: parent)
        // The lock is held as long as the value lives, so that no process takes it for a leftover.
        _ = staging.lock()
        do throws(CodexError) {
            return try body(staging)
        } catch {
            remove(staging, name, in: parent)
            throw error
        }
    }

    /// Moves a directory durably to its name in the parent; `false` if a directory that is not
    /// empty has that name.
    static func give(
        _ staging: Directory, _ name: String, in parent: Directory
    ) throws(CodexError) -> Bool {
        guard try parent.renameDirectory(staging.name, to: name) else { return false }
        try parent.flush()
        return true
    }

    /// Removes a directory with its plain files and those of its folder `log`.
    ///
    /// A directory that no longer has the temporary name is in use: its files stay.
    static func remove(_ staging: Directory, _ name: String, in parent: Directory) {
        guard (try? parent.identity(name)) == staging.identity else { return }
        if let log = try? Directory(LogDirectory.name, in: staging) {
            log.removeFiles()
            staging.removeDirectory(LogDirectory.name)
        }
        staging.removeFiles()
        parent.removeDirectory(name)
    }

    /// Removes the directories that killed processes left under names with a prefix.
    static func removeLeftovers(_ prefix: String, in parent: Directory) {
        for name in (try? parent.entries()) ?? [] where name.hasPrefix(prefix) {
            guard let staging = try? Directory(name, in: parent), staging.lock() else { continue }
            // A process makes the directory before it locks it.
            guard (try? staging.modified())?.isOld == true else { continue }
            remove(staging, name, in: parent)
        }
    }
}
