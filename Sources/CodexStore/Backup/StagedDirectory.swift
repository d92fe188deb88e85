internal import CodexCore

/// A directory that is made aside and moved into place as a whole.
enum StagedDirectory {
    /// Fills a new directory and gives it its name; one that fails is removed.
    ///
    /// Of a process that is killed a directory `….making-…` stays, which nobody reads.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` if there is something at the path, and what `fill`
    ///   throws.
    static func make<R>(
        at path: String, _ fill: (_ staging: String) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let path = StoreDirectory(path).path
        guard try FileSystem.kind(path) == nil else {
            throw CodexError(
                .invalidArgument, "There is something at \(path) already. Name another place.")
        }
        let suffix = UInt32.random(in: .min ... .max)
        let staging = "\(path).making-\(FileSystem.processID)-\(suffix)"
        try FileSystem.makeDirectory(staging)
        do throws(CodexError) {
            let result = try fill(staging)
            try FileSystem.synchronizeDirectory(staging)
            guard try FileSystem.kind(path) == nil, try FileSystem.rename(staging, to: path) else {
                throw CodexError(
                    .invalidArgument, "There is something at \(path) now. Name another place.")
            }
            try FileSystem.synchronizeDirectory(FileSystem.parent(of: path))
            return result
        } catch {
            FileSystem.removeFlatDirectory(staging + "/" + LogDirectory.name)
            FileSystem.removeFlatDirectory(staging)
            throw error
        }
    }
}
