/// The time after which a test says that something does not end.
///
/// It is the same for every test, and much longer than a slow machine needs that runs all tests at
/// once. A test that passes never waits so long.
public enum Hang {
    public static let seconds = 900
    public static let limit = Duration.seconds(seconds)
}
