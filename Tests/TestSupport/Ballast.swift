internal import Foundation

/// What other programs have of a small disk.
public final class Ballast {
    private let path: String
    private let descriptor: Int32
    private var byteCount: off_t = 0
    private var isRemoved = false

    /// A call of the system that failed.
    public struct Failed: Error {
        /// The call.
        public let call: String
        /// Its `errno`.
        public let code: Int32
    }

    /// Takes all blocks that can be had but so many bytes.
    public init(on disk: String, leaving rest: Int) throws {
        path = disk + "/ballast"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw Failed(call: "open", code: errno) }
        takeAll()
        // By what was got, since the system counts blocks as free that it gives to nobody.
        byteCount = max(0, byteCount - off_t(rest))
        guard ftruncate(descriptor, byteCount) == 0, fsync(descriptor) == 0 else {
            throw Failed(call: "ftruncate", code: errno)
        }
    }

    deinit { remove() }

    private func takeAll() {
        // Other systems mount no image of ext4.
        #if os(Linux)
            var step: off_t = 64 << 20
            while step >= 1024 {
                if posix_fallocate(descriptor, byteCount, step) == 0 {
                    byteCount += step
                } else {
                    _ = ftruncate(descriptor, byteCount)
                    step /= 2
                }
            }
        #endif
    }

    /// Gives everything back.
    public func remove() {
        guard !isRemoved else { return }
        isRemoved = true
        _ = ftruncate(descriptor, 0)
        _ = fsync(descriptor)
        close(descriptor)
        _ = unsafe unlink(path)
    }
}

extension LoopDisk {
    /// The bytes that nobody has.
    public var freeByteCount: Int {
        var info = statvfs()
        return unsafe statvfs(path, &info) == 0 ? Int(info.f_bfree) * Int(info.f_frsize) : -1
    }
}
