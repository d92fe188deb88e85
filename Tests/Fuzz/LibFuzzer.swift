#if FUZZING
    import Foundation
    import FuzzTargets

    /// The target that the environment variable `FUZZ_TARGET` names.
    private let target: FuzzTarget = {
        let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
        guard let target = FuzzTarget.named(name) else {
            let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
            fatalError("FUZZ_TARGET must be one of \(names)")
        }
        return target
    }()

    /// Checks an input; libFuzzer calls it with each one.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func checkInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        target.check(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }
#endif
