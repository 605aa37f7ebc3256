// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

/** Whose products a quadratic model of the loss is made with. */
public enum Matrix {
    /** The generalised Gauss-Newton matrix: positive semidefinite for convex losses. */
    GGN,
    /** The Hessian. */
    HESSIAN
}
