internal import CodexCore

/// A directory that is made aside and moved into place as a whole.
enum StagedDirectory {
    /// Fills a new directory and gives it its name; one that fails is removed.
    ///
    /// A process that is killed leaves a directory `….making-…`, which nobody reads. The next one
    /// that makes something of this name removes it.
    ///
    /// - Parameters:
    ///   - path: Where the directory is to be.
    ///   - modes: Who may use it, and what is made in it.
    ///   - fill: Makes what is to be in it.
    /// - Returns: What `fill` returns.
    /// - Throws: ``CodexError/Code/invalidArgument`` if there is something at the path, and what
    ///   `fill` throws.
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

    /// Makes a directory aside for the duration of `body`, and removes it unless that renamed it.
    static func make<R>(
        in parent: Directory, _ prefix: String, _ modes: CreationModes,
        _ body: (_ staging: Directory) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let name = "\(prefix)\(FileSystem.processID)-\(UInt32.random(in: .min ... .max))"
        try parent.makeDirectory(name, modes)
        let staging = try Directory(name, in: parent)
        // Held as long as the value lives: what is being made is no left-over.
        _ = staging.lock()
        do throws(CodexError) {
            return try body(staging)
        } catch {
            remove(staging, name, in: parent)
            throw error
        }
    }

    /// Moves a directory to its name in the parent, durably; `false` if there is a directory with
    /// something in it.
    static func give(
        _ staging: Directory, _ name: String, in parent: Directory
    ) throws(CodexError) -> Bool {
        guard try parent.renameDirectory(staging.name, to: name) else { return false }
        try parent.flush()
        return true
    }

    /// Removes a directory with its plain files and those of its folder `log`.
    static func remove(_ staging: Directory, _ name: String, in parent: Directory) {
        if let log = try? Directory(LogDirectory.name, in: staging) {
            log.removeFiles()
            staging.removeDirectory(LogDirectory.name)
        }
        staging.removeFiles()
        parent.removeDirectory(name)
    }

    /// Removes what killed processes left under names with a prefix.
    static func removeLeftovers(_ prefix: String, in parent: Directory) {
        for name in (try? parent.entries()) ?? [] where name.hasPrefix(prefix) {
            guard let staging = try? Directory(name, in: parent), staging.lock() else { continue }
            // A process makes the directory before it locks it.
            guard (try? staging.modified())?.isOld == true else { continue }
            // It may have been finished, and have its name, just now.
            guard (try? parent.identity(name)) == staging.identity else { continue }
            remove(staging, name, in: parent)
        }
    }
}
