/** Words that passwords are made of most often, without case, digits or look-alike signs. */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  `aaron abc abcd abcdef access account admin administrator adobe alex alexander alexis alice allison amanda amber america
  andrea andrew angel angela angels animal anna anthony apple april arsenal asdf asdfgh ashley august austin autumn awesome
  babe baby babygirl badboy bailey banana barcelona baseball basketball batman bear beautiful beer benjamin biteme black
  blessed blink blue boomer boston brandon brian buddy bulldog buster butter butterfly california camaro canada captain carlos
  caroline cat changeit changeme charles charlie cheese chelsea cherry chester chicago chicken chocolate chris christ christian
  christine christopher clinic coffee computer cookie cooper corvette cowboy cowboys crystal daddy dakota dallas daniel
  danielle database david december default demo denver diamond doctor dog dolphin dragon eagle eagles elephant elizabeth eminem
  emily enter epic evil facebook fall family february ferrari fire fish flower football forever forget freedom friday friend
  friends fuck fuckyou gandalf garfield george ginger girl god golden golf google grace guest guitar gunner hammer hannah
  happy hardcore harley harry health heather hello hellokitty helpme hockey hospital house hunter iceman iloveyou internet
  jack jackson jacob jake james january jasmine jason jasper jennifer jeremy jessica jesus jesuschrist john jonathan jordan
  jordan joseph joshua july june junior justin killer king kitten kitty knight lakers letme letmein liverpool login london
  love lovely lover loveme lucky maggie magic manager manchester march marina marine marlboro martin master matrix matthew
  maverick may medical melissa mercedes merlin michael michelle mickey midnight mike miller minecraft miguel monday money monica
  monkey monster morgan mother mountain mustang mynoob naruto nascar nathan newyork nicholas nicole nintendo november nurse
  october oliver onelove orange packers panther passcode passphrase passw password passwort patient patrick peace peanut pepper
  person phoenix player please pokemon porsche power prince princess private purple pussy qazwsx qwer qwert qwerty qwertyuiop rabbit
  rachel racing rainbow raiders ranger rangers realmadrid rebecca red redsox richard robert rocket root rose samantha samsung
  sandra saturday scooter scorpion secret secure security september server sex sexy shadow shannon silver single snoopy soccer
  sophie spider spiderman spring starwars steelers stella steven strong summer sunday sunflower sunshine super superman superstar
  support sweet sysadmin system taylor teacher temp temporary tennis test tester testing thomas thunder thursday tiger tigger
  tinkerbell tomorrow trustno trustnoone tuesday turtle tweety unknown user user vanessa victoria viking wednesday welcome whatever
  white william william wilson winner winston winter wizard world xbox yahoo yamaha yankees yellow zaq zaqwsx zxcv zxcvbn zxcvbnm
  contraseña contrasena hola amor teamo tequiero familia futbol mexico salud enfermera medico pakistan allah bismillah karachi lahore
  islamabad muhammad ahmed khan`.split(/\s+/),
);

/** Words that join others in common phrases, such as `ilovemycat`. */
export const FILLERS: ReadonlySet<string> = new Set(
  'a an and are at be by for go i in is it its just like love me my new no not now of on one or our the this to too us we you your'.split(
    ' ',
  ),
);
