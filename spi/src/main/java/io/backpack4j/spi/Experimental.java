// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * May change or vanish in any release. Everything public without it, in {@code spi} and in the kernel's API, is meant
 * to stay: it changes incompatibly only with {@link SpiVersion#MAJOR}, and a check compares it with the last release.
 */
@Documented
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.PACKAGE, ElementType.TYPE, ElementType.METHOD, ElementType.CONSTRUCTOR, ElementType.FIELD})
public @interface Experimental {}
