#if Server
    import CodexCore
    import Foundation

    /// A directory for a store that is removed at the end of the program.
    ///
    /// It is on a file system in memory, if there is one with enough room, and otherwise among the
    /// system's temporary files.
    struct EphemeralDirectory: Sendable {
        /// The directory's path; it has the number of the process in its name.
        let path: String
        /// The path for the store in it.
        var store: String { path + "/store" }

        /// The least room on a file system in memory, in bytes.
        ///
        /// Containers often have one of 64 MiB, which a store soon fills.
        private static let roomMin = 1 << 30
        /// The file system in memory that Linux has for programs.
        private static let memory = "/dev/shm"

        /// Chooses a path, and makes no directory yet.
        init() {
            let name = "codexflow-\(getpid())-\(UUID().uuidString)"
            path = URL(fileURLWithPath: Self.parent).appendingPathComponent(name).path
        }

        private static var parent: String {
            hasRoomInMemory ? memory : NSTemporaryDirectory()
        }

        private static var hasRoomInMemory: Bool {
            #if canImport(Glibc)
                var info = statvfs()
                guard isMemory, access(memory, W_OK | X_OK) == 0, statvfs(memory, &info) == 0 else {
                    return false
                }
                return Double(info.f_bavail) * Double(info.f_frsize) >= Double(roomMin)
            #else
                return false
            #endif
        }

        /// Whether the mount point is that of a file system in memory.
        private static var isMemory: Bool {
            let mounts = try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)
            return (mounts ?? "").split(separator: "\n").contains { line in
                let fields = line.split(separator: " ")
                return fields.count > 2 && fields[1] == memory && fields[2] == "tmpfs"
            }
        }

        /// Makes the directory, for this user only.
        ///
        /// - Throws: ``CodexError/Code/inputOutput``.
        func make() throws(CodexError) {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700])
            } catch {
                throw CodexError(
                    .inputOutput,
                    "The directory \(path) for --ephemeral could not be made. Name a store's "
                        + "directory instead, or set TMPDIR.", cause: error)
            }
        }

        /// Removes the directory, if it is there.
        ///
        /// A thread that is adding files may hinder a removal, so it is repeated.
        func remove() {
            for _ in 0..<10 where FileManager.default.fileExists(atPath: path) {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
    }
#endif
