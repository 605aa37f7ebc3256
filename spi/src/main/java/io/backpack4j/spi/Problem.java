package io.backpack4j.spi;

/**
 * One thing that is wrong, in words a user can act on.
 *
 * @param id a stable name of the kind of problem, such as {@code UnknownModule}
 * @param message what failed, with which value, what is possible, and what to do
 */
public record Problem(String id, String message) {

    /** The message with its id in front: {@code [UnknownModule] Node 'a' has …}. */
    @Override
    public String toString() {
        return "[" + id + "] " + message;
    }
}
