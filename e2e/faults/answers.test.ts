import { tellStories } from './trouble.ts';
import { answers } from './troubles.ts';

tellStories('the main job, when servers answer what one does not like to hear,', answers);
