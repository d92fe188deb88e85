#if os(Linux)
    internal import Foundation

    // MARK: Which file a call is about

    extension Driver {
        /// The beginning of the names of the store's directory and of that in which it is made.
        private static let storeName = "store"

        /// Whether a call is about the store's files, and not about those of a backup, an archive
        /// or a copy.
        ///
        /// A file without a name may be the store's.
        func isOfStore(_ call: PendingCall, _ task: RunningTask) -> Bool {
            if Self.fileNumber(diskPath) == call.file {
                if !call.name.isEmpty { return call.name.hasPrefix(Self.storeName) }
                // Only the creation of the store flushes its name.
                if case .opening = task.kind { return true }
                return false
            }
            let manager = FileManager.default
            let names = (try? manager.contentsOfDirectory(atPath: diskPath)) ?? []
            for name in names where !name.hasPrefix(Self.storeName) {
                let path = "\(diskPath)/\(name)"
                let inner = (try? manager.subpathsOfDirectory(atPath: path)) ?? []
                let paths = [path] + inner.map { "\(path)/\($0)" }
                if paths.contains(where: { Self.fileNumber($0) == call.file }) { return false }
            }
            return true
        }

        /// The number that the system gave a file or directory.
        private static func fileNumber(_ path: String) -> UInt64? {
            var info = stat()
            guard unsafe lstat(path, &info) == 0 else { return nil }
            return UInt64(info.st_ino)
        }
    }
#endif
