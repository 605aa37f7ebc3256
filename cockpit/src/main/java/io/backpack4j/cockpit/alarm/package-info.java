/** Alarms: what a log tells of a run that goes wrong, in words, with the rule that says so. */
@NullMarked
package io.backpack4j.cockpit.alarm;

import org.jspecify.annotations.NullMarked;
