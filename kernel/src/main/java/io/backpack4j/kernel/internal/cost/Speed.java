// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.cost;

import java.util.List;

/**
 * How fast a machine does a kind of operations: a call takes {@code latency} and then as long as its operations or its
 * bytes, whichever take longer (the roofline model of Williams, Waterman and Patterson 2009). Small pieces run slower.
 *
 * @param latency of a call, in seconds
 * @param points what an operation takes in pieces of some sizes, ascending
 * @param secondsPerByte of memory that is read or written
 */
record Speed(double latency, List<Point> points, double secondsPerByte) {

    /**
     * A measured speed.
     *
     * @param piece operations of one piece
     * @param secondsPerOperation in pieces of that size
     */
    record Point(double piece, double secondsPerOperation) {}

    Speed {
        points = List.copyOf(points);
    }

    /** Seconds of a call. */
    double seconds(double operations, double bytes, long pieces) {
        double each = secondsPerOperation(operations / Math.max(1, pieces));
        return latency + Math.max(operations * each, bytes * secondsPerByte);
    }

    /** Between measured sizes the logarithm of the speed is linear in that of the size. */
    private double secondsPerOperation(double piece) {
        Point below = points.get(0);
        for (Point above : points) {
            if (piece <= above.piece()) {
                if (above.piece() == below.piece()) {
                    return above.secondsPerOperation();
                }
                double share = Math.log(Math.max(piece, below.piece()) / below.piece())
                        / Math.log(above.piece() / below.piece());
                return below.secondsPerOperation()
                        * Math.pow(above.secondsPerOperation() / below.secondsPerOperation(), share);
            }
            below = above;
        }
        return below.secondsPerOperation();
    }
}
