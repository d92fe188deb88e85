#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Array<UInt8> {
    /// Overwrites the bytes with zeros, by a call that the compiler does not leave out.
    ///
    /// Copies keep what they have: another array with the same buffer, the buffers that an array
    /// had before it grew, and whatever other types made of the bytes.
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
