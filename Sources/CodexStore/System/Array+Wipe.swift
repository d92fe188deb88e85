#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Array<UInt8> {
    /// Overwrites the bytes with zeros, by a call that the compiler cannot remove.
    ///
    /// Copies are not changed: another array with the same buffer, earlier buffers of an array that
    /// grew, and copies in other types.
    mutating func wipe() {
        let count = count
        unsafe withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            #if canImport(Darwin)
                _ = unsafe memset_s(base, count, 0, count)
            #else
                unsafe explicit_bzero(base, count)
            #endif
        }
    }
}
